"""How well masked words and next sentences are predicted, every prediction counted once."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks.pretraining.loss import cross_entropies, is_right


class PretrainingSums:
    """Adds up the predictions of batches, and makes scores of the sums.

    Example:
        >>> sums = PretrainingSums()
        >>> sums.add({"masked_lm": [[[0.0, 0.0]]]}, {"masked_lm": [[1]]}, {"masked_lm": [[1.0]]})
        >>> round(sums.scores()["perplexity"], 3)
        2.0
    """

    def __init__(self) -> None:
        self._sums: dict[str, np.ndarray] = {}
        self._labels = np.zeros(0, np.int64)

    def add(self, outputs: Mapping[str, Any], targets: Mapping[str, Any], weights: Mapping[str, Any]) -> None:
        """Adds a batch.

        Args:
            outputs: Logits by name, float (..., classes): `masked_lm` and perhaps `next_sentence`.
            targets: int (...), by the same names.
            weights: float (...), 1 for a prediction, 0 for none.
        """
        for name, logits in outputs.items():
            logits, labels = tf.convert_to_tensor(logits), tf.convert_to_tensor(targets[name])
            # float64: over millions of predictions float32 loses digits.
            weight = np.asarray(weights[name], np.float64)
            measured = [1.0, cross_entropies(labels, logits).numpy(), is_right(labels, logits).numpy()]
            added = np.array([np.sum(weight * item) for item in measured])
            self._sums[name] = self._sums.get(name, 0.0) + added
        real = targets["masked_lm"], weights["masked_lm"]
        labels, weight = (np.asarray(item).reshape(-1) for item in real)
        counts = np.bincount(labels[weight > 0])
        size = max(len(counts), len(self._labels))
        self._labels = np.pad(self._labels, (0, size - len(self._labels))) + np.pad(counts, (0, size - len(counts)))

    def scores(self) -> dict[str, float]:
        """Returns the scores; see `BertPretrainer.evaluate_examples`.

        Raises:
            InputError: There was no prediction.
        """
        scores: dict[str, float] = {"loss": 0.0}
        for name, (count, loss, right) in self._sums.items():
            if not count:
                raise InputError(f"there is no prediction to score for {name}")
            scores |= {f"{name}_loss": float(loss / count), f"{name}_accuracy": float(right / count)}
            scores["loss"] += float(loss / count)
        if not self._sums:
            raise InputError("there are no examples to evaluate")
        scores["perplexity"] = math.exp(min(scores["masked_lm_loss"], 700.0))  # of float64 e^709 is the largest
        return {**scores, "unigram_accuracy": self.unigram_accuracy()}

    def unigram_accuracy(self) -> float:
        """Returns the accuracy of always predicting the most frequent of the masked tokens.

        Raises:
            InputError: There was no masked token.
        """
        if not self._labels.any():
            raise InputError("there is no masked token to score")
        return float(self._labels.max() / self._labels.sum())


def unigram_accuracy(batches: Iterable[tuple]) -> float:
    """Gives the accuracy of always predicting the most frequent of the masked tokens, the baseline to beat.

    Args:
        batches: As `BertPretrainer.batches` makes them.

    Raises:
        InputError: There is no masked token.
    """
    sums = PretrainingSums()
    for _, targets, weights in batches:
        sums.add({}, targets, weights)
    return sums.unigram_accuracy()
