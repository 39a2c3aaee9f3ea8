"""The loss of written words."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_bert")
class SmoothedCrossEntropy(keras.losses.Loss):
    """Softmax cross-entropy with integer targets, a share of which is spread over all entries, in float32.

    Args:
        label_smoothing: The share e: the target has the probability 1 - e + e / entries, each other entry e / entries.
        reduction: As for Keras' losses.
        name: Name of the loss.

    Raises:
        ValueError: A share outside of [0, 1).

    Example:
        >>> loss = SmoothedCrossEntropy(0.1)
        >>> round(float(loss([[0]], [[[0.0, 0.0]]])), 4)
        0.6931

    References:
        Szegedy et al. 2016, arXiv:1512.00567, section 7; for translation Vaswani et al. 2017, arXiv:1706.03762, 5.4.
    """

    outputs_are = "classes"
    """Logits of one of several, see `keras_bert.training.adversary`."""

    def __init__(
        self,
        label_smoothing: float = 0.0,
        reduction: str = "mean_with_sample_weight",
        name: str = "smoothed_cross_entropy",
    ) -> None:
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing must be from 0 to below 1, received: {label_smoothing}")
        super().__init__(name=name, reduction=reduction, dtype="float32")
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Computes the loss of each prediction.

        Args:
            y_true: int (batch, predictions).
            y_pred: Logits, float (batch, predictions, entries).

        Returns:
            float32 (batch, predictions).
        """
        logits = ops.cast(y_pred, "float32")
        total = ops.logsumexp(logits, axis=-1)
        target = ops.take_along_axis(logits, ops.cast(y_true, "int32")[..., None], axis=-1)[..., 0]
        if not self.label_smoothing:
            return total - target
        smoothed = (1.0 - self.label_smoothing) * target + self.label_smoothing * ops.mean(logits, axis=-1)
        return total - smoothed

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"label_smoothing": self.label_smoothing, "reduction": self.reduction, "name": self.name}
