"""Adam with decoupled weight decay, in one pass over memory."""

import math
import types
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from keras_bert.errors import InputError
from keras_bert.training.optimizers.one_pass import in_one_pass, pays

if keras.config.backend() == "tensorflow":
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="keras_bert")
class AdamW(keras.optimizers.Optimizer):
    """Adam with decoupled weight decay that spares biases and norms, and a rate for each part of a model.

    `m = m + (1 - b1)(g - m)`, `v = v + (1 - b2)(g² - v)`,
    `w = w - lr (sqrt(1 - b2^t) / (1 - b1^t) · m / (sqrt(v) + epsilon) + weight_decay · w)`.

    On TensorFlow a step with clipping and decay is one pass over each large variable and its moments;
    `keras.optimizers.AdamW` makes some ten, which for a small BERT at real text lengths is most of the training step.

    Args:
        learning_rate: A float or a `LearningRateSchedule`.
        decay: Decoupled weight decay rate.
        no_decay: Last parts of the paths of variables that do not decay.
        multipliers: Part of a variable's path → factor on its learning rate; variables not named have 1.
        beta_1: Decay of the first moment.
        beta_2: Decay of the second moment.
        epsilon: Added to the root of the second moment.
        skip_nonfinite: Leave out a step whose gradient holds a nan or an infinity, on all replicas alike: weights,
            moments and `iterations` stay as they are. TensorFlow only.
        **kwargs: Those of `keras.optimizers.Optimizer`, such as `global_clipnorm`.

    Attributes:
        skipped: With `skip_nonfinite`: steps left out, an int64 variable.
        skipped_in_a_row: Steps left out since the last one that was applied.

    Raises:
        InputError: When built for variables in half precision.

    Example:
        >>> optimizer = AdamW(1e-4, decay=0.01, multipliers={"embeddings": 0.1}, global_clipnorm=1.0)

    References:
        Loshchilov and Hutter 2017, arXiv:1711.05101, algorithm 2; which variables decay:
        google-research/bert, optimization.py, `create_optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 1e-4,
        decay: float = 0.01,
        no_decay: Sequence[str] = ("bias", "gamma", "beta"),
        multipliers: Mapping[str, float] | None = None,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-6,
        skip_nonfinite: bool = False,
        name: str = "adamw",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.decay = decay
        self.no_decay = tuple(no_decay)
        self.multipliers = dict(multipliers or {})
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.skip_nonfinite = skip_nonfinite
        self._clipping: Any = None  # of the gradients that `apply` is at
        self._shared: dict[str, tuple[Any, ...]] | None = None  # `_numbers` by dtype, while `apply` is at work

    def build(self, variables: Sequence[Any]) -> None:
        """Makes the two moments of every variable."""
        if self.built:
            return
        for variable in variables:
            # In bfloat16 0.999 is 1, so the bias correction and with it every step would be 0.
            if variable.dtype not in ("float32", "float64"):
                raise InputError(
                    f"AdamW: {variable.path} is {variable.dtype}, which has too few digits to train in; "
                    "choose the dtype policy mixed_bfloat16 (or mixed_float16), which keeps weights in float32"
                )
        super().build(variables)
        self.first_moments, self.second_moments = self.add_optimizer_variables(
            variables, ["first_moment", "second_moment"]
        )
        if self.skip_nonfinite:
            counter = {"shape": (), "dtype": "int64", "initializer": "zeros", "aggregation": "only_first_replica"}
            self.skipped = self.add_variable(**counter, name="skipped")
            self.skipped_in_a_row = self.add_variable(**counter, name="skipped_in_a_row")
        if keras.config.backend() == "tensorflow":
            # In a namespace, where Keras does not look for something to save. Its own, since a compiled function
            # works as long as the variables that it was made with, and these are here.
            self._compiled = types.SimpleNamespace(adam=in_one_pass(_adam))
        # By index: update_step is handed backend variables, which do not know their path.
        paths = [variable.path.split("/") for variable in variables]
        self._factors = [math.prod(self.multipliers.get(part, 1.0) for part in path) for path in paths]
        self._decays = [0.0 if path[-1] in self.no_decay else self.decay for path in paths]

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        """Applies one gradient to each variable; sparse ones count as the dense ones they stand for.

        Under a distribution strategy the gradients are summed over the replicas first and clipped then, so that N
        replicas step as one. Keras clips each replica's own before the sum (3.15, optimizers/base_optimizer.py,
        `_backend_apply_gradients`), which is another step whenever clipping bites.
        """
        if keras.config.backend() == "tensorflow" and (_replicas() > 1 or self.skip_nonfinite):
            self._apply_sums(grads, trainable_variables)
            return
        self._shared = {}
        try:
            super().apply(grads, trainable_variables)
        finally:
            self._clipping = self._shared = None

    def _clip_gradients(self, grads: Sequence[Any]) -> Sequence[Any]:
        """Keras' step before the update: clipping to a global norm is left to the update, which reads them anyway."""
        if keras.config.backend() != "tensorflow":
            return super()._clip_gradients(grads)
        dense = [tf.convert_to_tensor(gradient) for gradient in grads]
        if not self.global_clipnorm:
            return super()._clip_gradients(dense)
        self._clipping = _clipping(_global_norm(grads, dense), self.global_clipnorm)
        return dense

    def _apply_sums(self, grads: Sequence[Any], variables: Sequence[Any] | None) -> None:
        """Sums over the replicas, clips, and updates every replica's copy of each variable alike, or none."""
        if variables is None or self.clipnorm or self.clipvalue or self.use_ema or self.gradient_accumulation_steps:
            raise InputError(
                f"{self.name} under a distribution strategy, or with skip_nonfinite, clips by global_clipnorm only, "
                "and has no clipnorm, clipvalue, use_ema or gradient_accumulation_steps"
            )
        variables = list(variables)
        if not self.built:
            self.build(variables)
        pairs = [
            (gradient, variable) for gradient, variable in zip(grads, variables, strict=True) if gradient is not None
        ]
        context = tf.distribute.get_replica_context()
        sums = [gradient for gradient, _ in pairs]
        if context.num_replicas_in_sync > 1:
            sums = context.all_reduce(tf.distribute.ReduceOp.SUM, sums)
        dense = [tf.convert_to_tensor(gradient) for gradient in sums]
        # The norm of sums is the same number on all replicas, and so is what follows from it.
        norm = _global_norm(sums, dense) if self.global_clipnorm or self.skip_nonfinite else None
        clipping = [_clipping(norm, self.global_clipnorm)] if self.global_clipnorm else []

        def update(strategy: tf.distribute.Strategy, gradients: Sequence[Any], clipping: Sequence[Any]) -> None:
            rate = self.learning_rate
            for gradient, (_, variable) in zip(gradients, pairs, strict=True):
                strategy.extended.update(
                    variable.value,
                    lambda value, gradient, *clipping: self._update(value, gradient, rate, *clipping),
                    args=(gradient, *clipping),
                    group=False,
                )

        def update_if(
            strategy: tf.distribute.Strategy, is_finite: Any, gradients: Sequence[Any], clipping: Sequence[Any]
        ) -> None:
            # Across the replicas, since inside of one a condition must not hold an update.
            is_finite = strategy.experimental_local_results(is_finite)[0]
            tf.cond(is_finite, lambda: update(strategy, gradients, clipping), lambda: None)

        if not self.skip_nonfinite:
            context.merge_call(update, args=(dense, clipping))
            self.iterations.assign_add(1)
            return
        is_finite = tf.math.is_finite(norm)
        context.merge_call(update_if, args=(is_finite, dense, clipping))
        applied = tf.cast(is_finite, "int64")
        self.iterations.assign_add(tf.cast(is_finite, self.iterations.dtype))
        self.skipped.assign_add(1 - applied)
        self.skipped_in_a_row.assign((self.skipped_in_a_row + 1) * (1 - applied))

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Applies one gradient to one variable."""
        self._update(variable, gradient, learning_rate, self._clipping)

    def _update(self, variable: Any, gradient: Any, learning_rate: Any, clipping: Any = None) -> None:
        """Applies one gradient, times the factor that clips it, to one variable."""
        index = self._get_variable_index(variable)
        first, second = self.first_moments[index], self.second_moments[index]
        beta_1, beta_2, epsilon, beta_1_power, beta_2_power = self._numbers(variable.dtype)
        rate = ops.cast(learning_rate * self._factors[index], variable.dtype)
        keep = 1 - rate * self._decays[index]
        clipping = None if clipping is None else ops.cast(clipping, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        if keras.config.backend() == "tensorflow" and not pays(variable):
            if self._decays[index]:
                self.assign(variable, variable * keep)
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=first.value.handle,
                v=second.value.handle,
                beta1_power=beta_1_power,
                beta2_power=beta_2_power,
                lr=rate,
                beta1=beta_1,
                beta2=beta_2,
                epsilon=epsilon,
                grad=gradient if clipping is None else gradient * clipping,
            )
            return
        rate = rate * ops.sqrt(1 - beta_2_power) / (1 - beta_1_power)
        numbers = (1.0 if clipping is None else clipping, keep, rate, beta_1, beta_2, epsilon)
        numbers = tuple(ops.convert_to_tensor(number, variable.dtype) for number in numbers)
        if keras.config.backend() == "tensorflow":
            self._compiled.adam([variable, first.value, second.value], gradient, *numbers)
            return
        value, first_value, second_value = _adam(variable, first, second, gradient, *numbers)
        self.assign(first, first_value)
        self.assign(second, second_value)
        self.assign(variable, value)

    def _numbers(self, dtype: Any) -> tuple[Any, ...]:
        """Returns beta_1, beta_2, epsilon, beta_1^t and beta_2^t, scalars: one set for a step.

        If each variable had its own, the first step of 8 layers would take a seventh longer, to trace and to optimize.
        """
        name = keras.backend.standardize_dtype(dtype)
        if self._shared is not None and name in self._shared:
            return self._shared[name]
        beta_1, beta_2, epsilon = (ops.cast(number, name) for number in (self.beta_1, self.beta_2, self.epsilon))
        step = ops.cast(self.iterations + 1, name)
        numbers = (beta_1, beta_2, epsilon, ops.power(beta_1, step), ops.power(beta_2, step))
        if self._shared is not None:
            self._shared[name] = numbers
        return numbers

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "decay": self.decay,
            "no_decay": list(self.no_decay),
            "multipliers": self.multipliers,
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "skip_nonfinite": self.skip_nonfinite,
        }


def _replicas() -> int:
    """Number of replicas that step together here; 1 outside of a replica's own code."""
    context = tf.distribute.get_replica_context()
    return context.num_replicas_in_sync if context else 1


def _global_norm(gradients: Sequence[Any], dense: Sequence[Any]) -> Any:
    """Returns the norm of all gradients together, float32; of those that are sparse, `dense` is what they stand for."""
    squares = [_sum_of_squares(*pair) for pair in zip(gradients, dense, strict=True)]
    return tf.sqrt(tf.add_n(squares))


def _sum_of_squares(gradient: Any, dense: Any) -> Any:
    def of_all() -> Any:
        return 2 * tf.nn.l2_loss(tf.cast(dense, "float32"))

    if not isinstance(gradient, tf.IndexedSlices):
        return of_all()
    # The gradient of an embedding table has a row for each token of the batch, most tokens several times: a row that
    # n tokens have is gathered n times below. (Keras adds up the squares of the parts, which is not the norm.)
    size, rows = tf.size(gradient.indices), tf.shape(dense)[0]

    def of_rows() -> Any:
        counts = tf.math.unsorted_segment_sum(tf.ones([size]), gradient.indices, rows)
        squares = tf.square(tf.cast(tf.gather(dense, gradient.indices), "float32"))
        return tf.reduce_sum(tf.reduce_sum(tf.reshape(squares, (size, -1)), 1) / tf.gather(counts, gradient.indices))

    return tf.cond(size < rows, of_rows, of_all)


def _clipping(norm: Any, limit: float) -> Any:
    """Returns the factor that takes a norm down to `limit`: 1 below it, nan where the norm is infinite."""
    return limit * tf.minimum(1 / norm, 1 / limit) + (norm - norm)


def moments(first: Any, second: Any, gradient: Any, beta_1: Any, beta_2: Any) -> tuple[Any, Any]:
    """Returns Adam's moments of a variable after a step, of its shape and dtype.

    Example:
        >>> moments(0.0, 0.0, keras.ops.array(2.0), 0.5, 0.5)[0].numpy()
        np.float32(1.0)

    References:
        Kingma and Ba 2014, arXiv:1412.6980, algorithm 1.
    """
    return first + (gradient - first) * (1 - beta_1), second + (ops.square(gradient) - second) * (1 - beta_2)


def _adam(
    value: Any,
    first: Any,
    second: Any,
    gradient: Any,
    clipping: Any,
    keep: Any,
    rate: Any,
    beta_1: Any,
    beta_2: Any,
    epsilon: Any,
) -> tuple[Any, Any, Any]:
    """Returns a variable and its moments after a step."""
    first, second = moments(first, second, gradient * clipping, beta_1, beta_2)
    return value * keep - rate * first / (ops.sqrt(second) + epsilon), first, second
