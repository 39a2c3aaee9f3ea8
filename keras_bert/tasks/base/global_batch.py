"""Losses as means over the global batch: N replicas learn what one does, however the rows are dealt out."""

import types
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import keras
import tensorflow as tf
from absl import logging
from keras import ops

from keras_bert.errors import InputError
from keras_bert.layers.wide import wide
from keras_bert.tasks.base.micro_batches import accumulate as accumulate_parts
from keras_bert.tasks.base.part_of_step import check_adversary, one_pass, row_numbers, with_adversary
from keras_bert.tasks.base.partial_loss import global_mean, partial_loss, regularization
from keras_bert.tasks.base.private_step import check_privacy, clipped, with_noise
from keras_bert.tasks.base.replicas import over_replicas, replicas
from keras_bert.training.adversary.adversary import Trained
from keras_bert.training.adversary.named import make_adversary
from keras_bert.training.optimizers.adamw import AdamW
from keras_bert.training.privacy.privacy import Privacy
from keras_bert.training.privacy.secret import Secret
from keras_bert.training.strategy import own_batches

__all__ = ["GlobalBatchModel", "global_mean"]


class StepResult(NamedTuple):
    """What a training step came to.

    Attributes:
        loss: Of the step's whole batch, over all replicas; that of no other step is in it.
        is_finite: Whether loss and gradient are finite. A step of which they are not has changed no weight and is in no
            metric where the optimizer has `skip_nonfinite`.
    """

    loss: float
    is_finite: bool


class GlobalBatchModel(keras.Model):
    """A model whose loss, under a distribution strategy, is that of the whole batch.

    Keras takes each replica's mean and averages these (3.15, losses/loss.py, `scale_loss_for_distribution`): of five
    rows on two replicas, the three on one and the two on the other count alike, and a replica without a row gives nan.

    With `compile(accumulate=N)` a step computes its batch in N parts, and gives what it gives in one.
    """

    learning_rate: ClassVar[float] = 3e-5
    """The rate of `compile()` without an optimizer: of those in Devlin et al. 2018, arXiv:1810.04805, appendix A.3."""

    _parts = types.SimpleNamespace(count=1, totals={}, adversary=None, privacy=None, secret=None)
    _last_step: Any = None

    @property
    def last_step(self) -> StepResult | None:
        """What the last training step came to, read from the device; None before the first `compile`."""
        if self._last_step is None:
            return None
        loss, is_finite = self._last_step.values.numpy()
        return StepResult(float(loss), bool(is_finite))

    @property
    def privacy(self) -> Privacy | None:
        """The budget that `compile` was given."""
        return self._parts.privacy

    @property
    def secret(self) -> Secret:
        """What the noise and the batches of private training follow from."""
        return self._parts.secret

    def loss_totals(self, y: Any, sample_weight: Any) -> dict[str, Any]:
        """Says what the sums in the loss are divided by; for `accumulate`, which has to know before it computes a part.

        A task that defines `compute_loss` defines this too, and hands `total_of(name)` to `global_mean`.

        Args:
            y: The targets of a batch.
            sample_weight: Their weights, or None.

        Returns:
            float32 scalars by name, this replica's part.
        """
        totals = {"rows": ops.cast(ops.shape(y)[0], "float32")}
        if sample_weight is not None:
            totals["weights"] = ops.sum(wide(ops.convert_to_tensor(sample_weight)))
        return totals

    @property
    def totals(self) -> Mapping[str, Any]:
        """`loss_totals` over the whole batch while a part of it is computed, empty otherwise."""
        return self._parts.totals

    def total_of(self, name: str) -> Any:
        """Returns one of `totals`, None where there are none."""
        return self.totals.get(name)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Returns the loss; under a strategy, and with `accumulate`, this part of it, a float32 scalar."""
        if (replicas() == 1 and not self._parts.totals) or not isinstance(self.loss, keras.losses.Loss):
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        loss = partial_loss(self.loss, y, y_pred, sample_weight, self._parts.totals)
        return self.regularized(loss, ops.cast(ops.shape(y)[0], loss.dtype))

    def regularized(self, loss: Any, rows: Any) -> Any:
        """Adds what the regularizers of weights give, this part of it; for a task that defines `compute_loss`.

        Args:
            loss: This part of the loss, a float scalar.
            rows: The rows that it is of, a float scalar.
        """
        added = regularization(self, rows, self.total_of("rows"))
        return loss if added is None else loss + ops.cast(added, loss.dtype)

    def train_step(self, data: Any) -> Any:
        """Keras' `train_step`; with `accumulate`, in parts. `last_step` gives the step's own loss.

        A step that an optimizer with `skip_nonfinite` leaves out is left out of the metrics, too.
        """
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        variables = self.trainable_variables
        left_out = _steps_left_out(self.optimizer)
        if left_out is not None:
            # Read now: a variable that is taken for a tensor is read where it is used.
            left_out_before = tf.identity(left_out.value)
            before = {id(variable): tf.identity(variable.value) for variable in self.metrics_variables}

        def step(part: Any) -> tuple[Any, list[Any]]:
            x, y, sample_weight = part[:3]
            loss, y_pred, gradients = self._trained(part)
            self.compute_metrics(x, y, y_pred, sample_weight)
            return loss, gradients

        data = self._numbered(x, y, sample_weight)
        if self._parts.count == 1:
            loss, gradients = step(data)
        else:
            totals = {name: over_replicas(total) for name, total in self.loss_totals(y, sample_weight).items()}
            self._parts.totals = totals
            try:
                loss, gradients = accumulate_parts(
                    step, data, self._parts.count, variables, static=bool(self.jit_compile)
                )
            finally:
                self._parts.totals = {}
        self._count_loss(loss, x)
        if self.privacy is not None:
            gradients = with_noise(self, self.privacy, self.secret, gradients)
        if variables:
            self.optimizer.apply(gradients, variables)
        loss = over_replicas(ops.cast(loss, "float32"))
        is_finite = ops.isfinite(loss)
        if left_out is not None:
            is_finite = ops.logical_and(is_finite, ops.equal(left_out, left_out_before))
            self._keep_metrics(is_finite, before)
        self._last_step.values.assign(ops.stack([loss, ops.cast(is_finite, "float32")]))
        return self._vectors(self.get_metrics_result())

    def loss_and_gradients(self, data: Any) -> tuple[Any, list[Any]]:
        """Computes the loss of a batch and the gradients of what is trained, and changes nothing.

        Args:
            data: A batch as `fit` takes it.
        """
        trained = self._trained(self._numbered(*keras.utils.unpack_x_y_sample_weight(data)))
        return trained.loss, trained.gradients

    def _numbered(self, x: Any, y: Any, sample_weight: Any) -> tuple[Any, ...]:
        """Adds numbers of the rows, where the step needs them."""
        return (x, y, sample_weight) if self._parts.adversary is None else (x, y, sample_weight, row_numbers(self, x))

    def _trained(self, part: Any) -> Trained:
        """Computes a part of a batch in the way that `compile` has chosen."""
        if self._parts.adversary is not None:
            return with_adversary(self, self._parts.adversary, part)
        if self.privacy is not None:
            return clipped(self, self.privacy, part)
        return one_pass(self, part)

    def _keep_metrics(self, is_finite: Any, before: Mapping[int, Any]) -> None:
        """Gives the metrics their values from before the step unless it was finite."""
        for variable in self.metrics_variables:
            value = tf.identity(variable.value)
            # Those that were made in this step begin with zeros.
            variable.assign(ops.where(is_finite, value, before.get(id(variable), ops.zeros_like(value))))

    def _count_loss(self, loss: Any, x: Any) -> None:
        """Counts this replica's part of the loss, so that the mean over the epoch is that of one device.

        Keras (3.15) counts a part by the replica's own rows, which is right where all replicas have as many.
        """
        rows = ops.cast(ops.shape(tf.nest.flatten(x)[0])[0], "float32")
        value = loss if replicas() == 1 else loss * over_replicas(rows) / ops.maximum(rows, 1.0)
        next(metric for metric in self.metrics if metric.name == "loss").update_state(value, sample_weight=rows)

    def test_step(self, data: Any) -> Any:
        """Keras' `test_step`."""
        if replicas() == 1:
            return self._vectors(super().test_step(data))
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        self._count_loss(self.compute_loss(x, y, y_pred, sample_weight, training=False), x)
        return self._vectors(self.compute_metrics(x, y, y_pred, sample_weight))

    def _vectors(self, logs: Any) -> Any:
        """Makes vectors of the logs where Keras (3.15, `reduce_per_replica`) averages scalars along an axis."""
        if not isinstance(self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy):
            return logs
        return {name: ops.reshape(value, (1,)) for name, value in logs.items()}

    def compile(
        self,
        optimizer: Any = None,
        loss: Any = None,
        metrics: Any = None,
        *,
        accumulate: int = 1,
        adversary: Any = None,
        privacy: Privacy | Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Keras' `compile`.

        Args:
            optimizer: As in Keras; None for AdamW as BERT is fine-tuned with it: a rate of `learning_rate` all along,
                decay 0.01 but for biases and norms, clipping at 1. `keras_bert.training.adamw` has warm-up and decay
                of the rate, too, for which it has to know the number of steps.
            loss: As in Keras.
            metrics: As in Keras.
            accumulate: Compute each batch in so many parts, one after the other, which takes the memory of one part;
                the update is that of the whole batch.
            adversary: Train on shifted word vectors, or so that outputs agree: `"fgm"`, `"pgd"`, `"freelb"`, `"smart"`,
                `"rdrop"`, or one with settings, such as `{"name": "fgm", "epsilon": 0.3}`; see
                `keras_bert.training.adversary`.
            privacy: Train within a budget, `keras_bert.training.Privacy(...)`; on `private_batches`, or by a `Run`.
            **kwargs: Keras' other arguments.

        Raises:
            InputError: The policy is mixed_float16 and there are several replicas: Keras' loss scaling looks at the
                gradients of one of them only. Or, with several replicas or `accumulate`, the loss is no sum or mean
                over rows, which could be had in parts. Or adversary or privacy do not suit the model.
        """
        if accumulate < 1:
            raise InputError(f"accumulate is the number of parts of a batch, 1 or more, received: {accumulate}")
        if self.dtype_policy.name == "mixed_float16" and self.distribute_strategy.num_replicas_in_sync > 1:
            raise InputError(
                "mixed_float16 does not work on several replicas: each would scale its loss by itself; "
                "take mixed_bfloat16, which needs no scaling"
            )
        adversary = make_adversary(adversary)
        privacy = Privacy(**privacy) if isinstance(privacy, Mapping) else privacy
        if privacy is not None:  # no batch is as large as another, and XLA would compile each of them
            kwargs.setdefault("jit_compile", False)
        optimizer = AdamW(self.learning_rate, global_clipnorm=1.0) if optimizer is None else optimizer
        super().compile(optimizer=optimizer, loss=loss, metrics=metrics, **kwargs)
        if accumulate > 1 or self.distribute_strategy.num_replicas_in_sync > 1:
            self._check_parts(accumulate, kwargs.get("loss_weights"))
        if adversary is not None:
            check_adversary(self, adversary)
        if privacy is not None:
            check_privacy(self, adversary)
        self._parts = types.SimpleNamespace(
            count=accumulate, totals={}, adversary=adversary, privacy=privacy, secret=privacy and Secret()
        )
        self._compiled_state_is_built = False
        if self._last_step is None:
            with self.distribute_strategy.scope():
                first = tf.VariableAggregation.ONLY_FIRST_REPLICA
                # In a namespace, which Keras does not look into: it is no weight.
                values = tf.Variable([float("nan"), 1.0], trainable=False, aggregation=first, name="last_step")
            self._last_step = types.SimpleNamespace(values=values)

    def _check_parts(self, accumulate: int, loss_weights: Any) -> None:
        """Refuses a loss whose parts, of parts of a batch or of several replicas, do not add up to it."""
        where = f"accumulate={accumulate}" if accumulate > 1 else "several replicas"
        if accumulate > 1 and getattr(self.loss, "compares_rows", False):
            raise InputError(
                f"accumulate={accumulate}: {type(self.loss).__name__} compares all rows of a batch with each other, "
                "so that a batch in parts would be another task; leave it at 1"
            )
        has_own = [getattr(type(self), name) is not getattr(GlobalBatchModel, name) for name in _LOSS]
        if not (all(has_own) or (not any(has_own) and isinstance(self.loss, keras.losses.Loss))):
            raise InputError(
                f"{type(self).__name__} cannot accumulate, nor train on several replicas ({where}): its loss is no "
                "mean over the rows of a batch; give one as an object, such as keras.losses.MeanSquaredError()"
            )
        if loss_weights is not None:
            raise InputError(f"loss_weights do not count with {where}; weigh the rows (sample_weight) or the loss")

    def get_compile_config(self) -> Mapping[str, Any]:
        """Returns the arguments of `compile`."""
        config = super().get_compile_config()
        if not config:
            return config
        more = {"accumulate": self._parts.count} if self._parts.count > 1 else {}
        ways = {"adversary": self._parts.adversary, "privacy": self.privacy}
        return {**config, **more, **{name: way.config() for name, way in ways.items() if way is not None}}

    def fit(self, x: Any = None, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Keras' `fit`, also for batches that do not divide evenly among the replicas, or are one worker's own."""
        self._build_compiled_state(x)
        self._build_optimizer()
        if self.privacy is not None:
            self.privacy.refuse_more(int(ops.convert_to_numpy(self.optimizer.iterations)), x, **kwargs)
        is_over = self._warn_at_rate_0(0)
        history = super().fit(own_batches(self.distribute_strategy, x), *args, **kwargs)
        if not is_over:
            self._warn_at_rate_0(-1)
        return history

    def _warn_at_rate_0(self, offset: int) -> bool:
        """Warns where the schedule is over at the next step, or was at the last one (-1); says whether it is."""
        optimizer: Any = getattr(self.optimizer, "inner_optimizer", self.optimizer)
        schedule = getattr(optimizer, "_learning_rate", None)
        if not isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
            return False
        step = int(ops.convert_to_numpy(optimizer.iterations)) + offset
        is_over = step > 0 and float(schedule(step)) == 0
        if is_over:
            logging.warning(
                "the schedule of the learning rate is over: from step %d on the rate is 0, and training changes "
                "nothing; compile with a schedule for all the steps",
                step,
            )
        return is_over

    def evaluate(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Keras' `evaluate`, also for batches that do not divide evenly among the replicas."""
        self._build_compiled_state(x)
        return super().evaluate(x, *args, **kwargs)

    def _build_compiled_state(self, x: Any) -> None:
        """Builds metrics and loss on a batch of zeros, before Keras would do it on a batch that it has dealt out."""
        many = self.distribute_strategy.num_replicas_in_sync > 1
        if many and isinstance(x, tf.data.Dataset) and not self._compiled_state_is_built:
            self.test_on_batch(*tf.nest.map_structure(_zeros, x.element_spec))
            self._compiled_state_is_built = True

    def _build_optimizer(self) -> None:
        """Makes the optimizer's variables before the step is traced.

        Keras (3.15, backend/tensorflow/trainer.py) leaves that to the first step. A `tf.function` that makes variables
        is traced once more without them, so that training would start twice as late.
        """
        if self.compiled and self.built and not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        # keras-team/keras#20585: Keras 3.15 adds up the first batch over the replicas, to learn its shapes. That fails
        # where replicas have different numbers of rows, and over several workers; and it takes a batch off the data,
        # after which shuffling goes on in another order than on one device. There is no public way round it.
        if iterator is None or not self._compiled_state_is_built:
            super()._maybe_symbolic_build(iterator=iterator, data_batch=data_batch)


# What a task with a loss of its own defines.
_LOSS = ("compute_loss", "loss_totals")


def _steps_left_out(optimizer: Any) -> Any:
    """Returns the variable in which an optimizer counts the steps that it leaves out, None if it leaves out none."""
    return getattr(getattr(optimizer, "inner_optimizer", optimizer), "skipped", None)


def _zeros(spec: tf.TensorSpec) -> tf.Tensor:
    """Makes a row of zeros of two tokens: of outputs whose last axis is 1, Keras would leave that axis out."""
    return tf.zeros([size or (2 if axis else 1) for axis, size in enumerate(spec.shape)], spec.dtype)
