"""Cross-entropy over classes, with label smoothing."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_bert")
class ClassificationLoss(keras.losses.Loss):
    """Softmax cross-entropy between class numbers and logits, in float32.

    With sample weights (class weights), the mean divides by the sum of the weights, as PyTorch and
    scikit-learn do it; Keras' own default divides by the number of rows.

    Args:
        label_smoothing: Share of the probability spread evenly over all classes, in [0, 1)
            (Szegedy et al. 2015, arXiv:1512.00567, section 7).
        name: Name of the loss.

    Call arguments:
        y_true: int32 (batch,) or (batch, 1), class numbers.
        y_pred: float (batch, classes), logits.

    Returns:
        float32 scalar.

    Example:
        >>> loss = ClassificationLoss()
        >>> round(float(loss(keras.ops.array([1]), keras.ops.array([[0.0, 0.0]]))), 4)
        0.6931
    """

    outputs_are = "classes"
    """Logits of one of several, see `keras_bert.training.adversary`."""

    def __init__(self, label_smoothing: float = 0.0, name: str = "classification_loss") -> None:
        super().__init__(name=name, reduction="mean_with_sample_weight", dtype="float32")
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing must be in [0, 1), received: {label_smoothing}")
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the loss of each row, float32 (batch,)."""
        log_probabilities = ops.log_softmax(ops.cast(y_pred, "float32"))
        classes = y_pred.shape[-1]
        target = ops.one_hot(ops.reshape(ops.cast(y_true, "int32"), (-1,)), classes, dtype="float32")
        target = target * (1 - self.label_smoothing) + self.label_smoothing / classes
        return -ops.sum(target * log_probabilities, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"label_smoothing": self.label_smoothing, "name": self.name}
