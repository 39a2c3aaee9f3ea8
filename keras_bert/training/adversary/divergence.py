"""How far two outputs of a model are from each other, as its loss reads them."""

from typing import Any

import keras
from keras import ops

CLASSES, MARKS, VALUES = "classes", "marks", "values"

_KINDS = {
    keras.losses.SparseCategoricalCrossentropy: CLASSES,
    keras.losses.CategoricalCrossentropy: CLASSES,
    keras.losses.BinaryCrossentropy: MARKS,
}


def output_kind(loss: keras.losses.Loss) -> str:
    """Says what a loss takes the outputs of a model for.

    Args:
        loss: A loss of our own says it in the attribute `outputs_are`.

    Returns:
        `"classes"`, logits of one of several over the last axis; `"marks"`, logits of a yes each; else `"values"`.

    Example:
        >>> output_kind(keras.losses.MeanSquaredError())
        'values'
    """
    own = getattr(loss, "outputs_are", None)
    if own is not None:
        return own
    kind = next((kind for known, kind in _KINDS.items() if isinstance(loss, known)), VALUES)
    return kind if kind == VALUES or loss.get_config().get("from_logits") else VALUES


def divergence_values(kind: str, first: Any, second: Any) -> Any:
    """Compares two outputs, the same from either side, in float32.

    Args:
        kind: See `output_kind`.
        first: float (N, ..., C), logits or values.
        second: The same shape.

    Returns:
        float32 (N, ...). Of classes KL(p ‖ q) + KL(q ‖ p) = Σ (p - q) (log p - log q); of marks the mean of the same
        over the classes, each of which is a choice of yes or no; of values the squared distance.

    Example:
        >>> float(divergence_values("values", ops.array([[1.0, 2.0]]), ops.array([[1.0, 4.0]]))[0])
        4.0

    References:
        Jiang et al. 2020, arXiv:1911.03437, section 3.1, the loss of their formula 1.
    """
    first, second = ops.cast(first, "float32"), ops.cast(second, "float32")
    if kind == VALUES:
        return ops.sum(ops.square(first - second), axis=-1)
    if kind == MARKS:
        return ops.mean((ops.sigmoid(first) - ops.sigmoid(second)) * (first - second), axis=-1)
    logs = ops.log_softmax(first), ops.log_softmax(second)
    return ops.sum((ops.exp(logs[0]) - ops.exp(logs[1])) * (logs[0] - logs[1]), axis=-1)
