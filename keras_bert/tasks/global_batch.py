"""Losses as means over the global batch: N replicas learn what one does, however the rows are dealt out."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from keras_bert.errors import InputError


def global_mean(values: Any, weights: Any, counts: Any = None) -> Any:
    """Gives this replica's part of a weighted mean over the global batch.

    The parts of all replicas add up to Σ weights · values / Σ counts, and so do their gradients, which the optimizer
    adds up. A mean on each replica, averaged, would let a row count more where there are fewer.

    Args:
        values: float32 (...).
        weights: float32, the same shape.
        counts: What the sum is divided by, float32 (...); None for the weights.

    Returns:
        float32 scalar; 0 where all counts are.

    Example:
        >>> float(global_mean(ops.array([1.0, 3.0, 8.0]), ops.array([1.0, 1.0, 0.0])))
        2.0
    """
    total = ops.sum(weights if counts is None else counts)
    if _replicas() > 1:
        total = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, total)
    return ops.sum(values * weights) / ops.where(total > 0, total, 1.0)


class GlobalBatchModel(keras.Model):
    """A model whose loss, under a distribution strategy, is that of the whole batch.

    Keras takes each replica's mean and averages these (3.15, losses/loss.py, `scale_loss_for_distribution`): of five
    rows on two replicas, the three on one and the two on the other count alike, and a replica without a row gives nan.
    """

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Returns the loss; under a strategy this replica's part of it, a float32 scalar."""
        if _replicas() == 1 or not isinstance(self.loss, keras.losses.Loss):
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        values = ops.cast(self.loss.call(ops.convert_to_tensor(y), y_pred), "float32")
        ones = ops.ones_like(values)
        weights = ones if sample_weight is None else ops.cast(sample_weight, "float32")
        by_weight = self.loss.reduction == "mean_with_sample_weight"
        return global_mean(values, weights, weights if by_weight else ones)

    def train_step(self, data: Any) -> Any:
        """Keras' `train_step`."""
        return self._vectors(super().train_step(data))

    def test_step(self, data: Any) -> Any:
        """Keras' `test_step`."""
        return self._vectors(super().test_step(data))

    def _vectors(self, logs: Any) -> Any:
        """Makes vectors of the logs where Keras (3.15, `reduce_per_replica`) averages scalars along an axis."""
        if not isinstance(self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy):
            return logs
        return {name: ops.reshape(value, (1,)) for name, value in logs.items()}

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Keras' `compile`.

        Raises:
            InputError: The policy is mixed_float16 and there are several replicas: Keras' loss scaling looks at the
                gradients of one of them only.
        """
        if self.dtype_policy.name == "mixed_float16" and self.distribute_strategy.num_replicas_in_sync > 1:
            raise InputError(
                "mixed_float16 does not work on several replicas: each would scale its loss by itself; "
                "take mixed_bfloat16, which needs no scaling"
            )
        super().compile(*args, **kwargs)
        self._compiled_state_is_built = False

    def fit(self, x: Any = None, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Keras' `fit`, also for batches that do not divide evenly among the replicas."""
        self._build_compiled_state(x)
        return super().fit(x, *args, **kwargs)

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

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        # keras-team/keras#20585: Keras 3.15 adds up the first batch over the replicas, to learn its shapes. That fails
        # where replicas have different numbers of rows, and over several workers; and it takes a batch off the data,
        # after which shuffling goes on in another order than on one device. There is no public way round it.
        if iterator is None or not self._compiled_state_is_built:
            super()._maybe_symbolic_build(iterator=iterator, data_batch=data_batch)


def _replicas() -> int:
    """Number of replicas that step together here; 1 outside of a replica's own code, as when Keras builds a model."""
    context = tf.distribute.get_replica_context()
    return context.num_replicas_in_sync if context else 1


def _zeros(spec: tf.TensorSpec) -> tf.Tensor:
    """Makes a tensor of zeros, as small as the specification allows."""
    return tf.zeros([size or 1 for size in spec.shape], spec.dtype)
