"""The pre-training loss: cross-entropies divided by the true number of predictions, on all replicas together."""

from typing import Any

import tensorflow as tf
from keras import ops


def cross_entropies(labels: Any, logits: Any) -> Any:
    """Gives the cross-entropy of each prediction, in float32.

    Args:
        labels: int (...).
        logits: float (..., classes).

    Returns:
        float32 (...).
    """
    return ops.sparse_categorical_crossentropy(labels, ops.cast(logits, "float32"), from_logits=True)


def global_mean(values: Any, weights: Any) -> Any:
    """Gives this replica's part of a weighted mean over the global batch.

    The parts of all replicas add up to Σ weights · values / Σ weights, and so do their gradients, which the optimizer
    adds up. A mean on each replica, averaged, would let a prediction count more where there are fewer.

    Args:
        values: float32 (...).
        weights: float32, the same shape.

    Returns:
        float32 scalar; 0 where all weights are.

    Example:
        >>> float(global_mean(ops.array([1.0, 3.0, 8.0]), ops.array([1.0, 1.0, 0.0])))
        2.0
    """
    total = ops.sum(weights)
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        total = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, total)
    return ops.sum(values * weights) / ops.maximum(total, 1.0)


def is_right(labels: Any, logits: Any) -> Any:
    """Says of each prediction whether the likeliest class is the right one: float32 (...), 0 or 1."""
    return ops.cast(ops.argmax(logits, axis=-1) == ops.cast(labels, "int32"), "float32")
