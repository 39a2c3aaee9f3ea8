"""What the pre-training loss and its metrics are made of: cross-entropies, and which predictions are right."""

from typing import Any

from keras import ops

from keras_bert.layers.wide import wide


def cross_entropies(labels: Any, logits: Any) -> Any:
    """Gives the cross-entropy of each prediction, in float32 at least.

    Args:
        labels: int (...).
        logits: float (..., classes).

    Returns:
        float32 (...), or float64 for float64.
    """
    return ops.sparse_categorical_crossentropy(labels, wide(logits), from_logits=True)


def is_right(labels: Any, logits: Any) -> Any:
    """Says of each prediction whether the likeliest class is the right one: float32 (...), 0 or 1."""
    return ops.cast(ops.argmax(logits, axis=-1) == ops.cast(labels, "int32"), "float32")
