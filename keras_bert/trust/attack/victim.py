"""The model that is attacked: asked in batches, each answer as log-odds."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_bert.data.batching.batch_size import check_batch_size
from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier
from keras_bert.tasks.pooled.head import SINGLE_LABEL

_LEAST = 1e-38
"""Probabilities below are taken for it: the smallest that float32 holds with all its digits."""


class Victim:
    """Asks a classifier about many texts at once.

    Args:
        model: A `BertClassifier` with one label a row, of single texts or of pairs.
        batch_size: Texts a batch; those of like length share one.

    Raises:
        InputError: It is another task.
    """

    def __init__(self, model: Any, batch_size: int = 32) -> None:
        name = type(model).__name__
        if not isinstance(model, BertClassifier):
            raise InputError(f"attacks are on classifiers (BertClassifier); a {name} has no one class to be wrong in")
        if model.problem_type != SINGLE_LABEL:
            raise InputError(
                "the classifier gives several labels a row (multi_label_classification); attacks are on one label a row"
            )
        self.model = model
        self.fields: tuple[str, ...] = model.text_fields
        self.labels: tuple[str, ...] = model.labels
        self._batch_size = check_batch_size(batch_size)

    def ask(self, texts: Sequence[Sequence[str | bytes]]) -> np.ndarray:
        """Asks about rows.

        Args:
            texts: Rows, each with the texts of `fields`.

        Returns:
            float64 (rows, classes), the logarithms of the probabilities.
        """
        if not texts:
            return np.zeros((0, len(self.labels)))
        rows: list[Any] = [dict(zip(self.fields, row, strict=True)) for row in texts]
        answers = self.model.answer(rows, self._batch_size, scores=True)
        scores = np.array([list(answer["scores"].values()) for answer in answers], "float64")
        return np.log(np.maximum(scores, _LEAST))


def margins(log_probabilities: np.ndarray, label: int) -> np.ndarray:
    """Gives the log-odds of a class over the best of the others: the difference of their logits.

    A probability near 1 has no digits left that differ; the small ones of the other classes have.

    Args:
        log_probabilities: float64 (rows, classes).
        label: Number of the class.

    Returns:
        float64 (rows,); negative where another class is answered.
    """
    others = np.delete(log_probabilities, label, axis=1)
    return log_probabilities[:, label] - others.max(axis=1)
