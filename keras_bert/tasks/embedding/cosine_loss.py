"""The cosine of two vectors against a score."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable(package="keras_bert")
class CosineLoss(keras.losses.Loss):
    """Squared difference between the cosine of a row's two vectors and its score, in float32.

    Args:
        name: Name of the loss.

    Call arguments:
        y_true: float (rows, 1), scores, best between 0 and 1.
        y_pred: float (rows · 2, size), vectors, those of a row one after the other.

    Returns:
        float32 scalar.

    References:
        Reimers and Gurevych 2019, arXiv:1908.10084, section 3: the regression objective.
    """

    def __init__(self, name: str = "cosine_loss") -> None:
        super().__init__(name=name, dtype="float32")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the loss of each row, float32 (rows,)."""
        vectors = ops.normalize(ops.cast(y_pred, "float32"), axis=-1)
        vectors = ops.reshape(vectors, (-1, 2, y_pred.shape[-1]))
        cosines = ops.sum(vectors[:, 0] * vectors[:, 1], axis=-1)
        return ops.square(cosines - ops.cast(y_true, "float32")[:, 0])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"name": self.name}


def scaled_scores(labels: Any, score_range: Sequence[float]) -> tf.Tensor:
    """Scales scores to 0 ... 1: numbers (batch,), to float32 (batch, 1).

    Raises:
        tf.errors.InvalidArgumentError: A score outside `score_range`, the lowest and the highest.
    """
    low, high = score_range
    labels = tf.cast(labels, tf.float32)
    outside = tf.boolean_mask(labels, tf.logical_or(labels < low, labels > high))
    message = f"is outside the range of the scores, {low:g} to {high:g} (score_range)"
    tf.debugging.Assert(tf.size(outside) == 0, ["score", outside, message])
    return ((labels - low) / (high - low))[:, None]
