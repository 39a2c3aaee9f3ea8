"""Accuracy where a row may have several labels: the share of rows with all of them right."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_bert")
class LabelSetAccuracy(keras.metrics.Mean):
    """The share of rows whose labels are all right, none missing and none too many: subset accuracy.

    It is what `evaluation.scores` calls `accuracy` for several labels, so that training and evaluation mean the same.

    Args:
        threshold: Logits of at least this are answered with the label.
        name: Name of the metric.
        dtype: Of its numbers.

    Example:
        >>> metric = LabelSetAccuracy()
        >>> metric.update_state([[1.0, 0.0], [1.0, 1.0]], [[2.0, -1.0], [3.0, -1.0]])
        >>> float(metric.result())
        0.5
    """

    def __init__(self, threshold: float = 0.0, name: str = "accuracy", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts rows: `y_true` zeros and ones (rows, labels), `y_pred` logits (rows, labels)."""
        given = ops.greater_equal(ops.convert_to_tensor(y_pred), self.threshold)
        wanted = ops.greater(ops.convert_to_tensor(y_true), 0.5)
        super().update_state(ops.all(ops.equal(given, wanted), axis=-1), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"threshold": self.threshold, "name": self.name, "dtype": self.dtype}
