"""How well words and next sentences are predicted, every prediction counted once."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks.pretraining.loss import cross_entropies, is_right

NEXT_SENTENCE = "next_sentence"


def row_sums(
    outputs: Mapping[str, Any],
    targets: Mapping[str, Any],
    weights: Mapping[str, Any],
    kinds: Mapping[str, Any] | None = None,
) -> dict[str, tf.Tensor]:
    """Adds up the predictions of each row, so that replicas exchange three numbers in place of a vocabulary's logits.

    Args:
        outputs: Logits by name, float (rows, ..., classes): those of words and perhaps `next_sentence`.
        targets: int (rows, ...), by the same names.
        weights: float (rows, ...), 1 for a prediction, 0 for none.
        kinds: Kinds of words by name, float (rows, predictions), 1 for those that get sums of their own.

    Returns:
        By name, those of the kinds too, float64 (rows, 3): how many predictions, the sum of their cross-entropies, how
        many are right. Sums over millions of predictions lose digits in float32.
    """
    sums = {}
    for name, logits in outputs.items():
        logits, labels = tf.convert_to_tensor(logits), tf.convert_to_tensor(targets[name])
        weight = tf.cast(weights[name], tf.float64)
        measured = [tf.ones_like(weight), cross_entropies(labels, logits), is_right(labels, logits)]
        within = list(range(1, weight.shape.rank))

        def total(weight: tf.Tensor, measured: list = measured, within: list = within) -> tf.Tensor:
            return tf.stack([tf.reduce_sum(weight * tf.cast(item, tf.float64), within) for item in measured], 1)

        sums[name] = total(weight)
        if name != NEXT_SENTENCE:
            sums |= {kind: total(weight * tf.cast(belongs, tf.float64)) for kind, belongs in (kinds or {}).items()}
    return sums


class PretrainingSums:
    """Adds up the predictions of batches, and makes scores of the sums.

    Args:
        words: The name of the words' logits, targets and weights.

    Example:
        >>> sums = PretrainingSums()
        >>> sums.add({"masked_lm": [[[0.0, 0.0]]]}, {"masked_lm": [[1]]}, {"masked_lm": [[1.0]]})
        >>> round(sums.scores()["perplexity"], 3)
        2.0
    """

    def __init__(self, words: str = "masked_lm") -> None:
        self._words = words
        self._sums: dict[str, np.ndarray] = {}
        self._labels = np.zeros(0, np.int64)

    def add(
        self,
        outputs: Mapping[str, Any],
        targets: Mapping[str, Any],
        weights: Mapping[str, Any],
        kinds: Mapping[str, Any] | None = None,
    ) -> None:
        """Adds a batch; the arguments are those of `row_sums`."""
        self.add_rows(row_sums(outputs, targets, weights, kinds), targets, weights)

    def add_rows(self, sums: Mapping[str, Any], targets: Mapping[str, Any], weights: Mapping[str, Any]) -> None:
        """Adds what `row_sums` gave of a batch, and counts its tokens."""
        for name, values in sums.items():
            self._sums[name] = self._sums.get(name, 0.0) + np.sum(values, axis=0)
        real = targets[self._words], weights[self._words]
        labels, weight = (np.asarray(item).reshape(-1) for item in real)
        counts = np.bincount(labels[weight > 0])
        size = max(len(counts), len(self._labels))
        self._labels = np.pad(self._labels, (0, size - len(self._labels))) + np.pad(counts, (0, size - len(counts)))

    def scores(self) -> dict[str, float]:
        """Returns the scores; see `PretrainingTask.evaluate_examples`.

        Raises:
            InputError: There was no prediction.
        """
        scores: dict[str, float] = {"loss": 0.0}
        kinds: dict[str, float] = {}
        for name, (count, loss, right) in self._sums.items():
            if name not in (self._words, NEXT_SENTENCE):
                if count:
                    kinds |= {f"{name}_perplexity": _perplexity(loss / count), f"{name}_accuracy": float(right / count)}
                continue
            if not count:
                raise InputError(f"there is no prediction to score for {name}")
            scores |= {f"{name}_loss": float(loss / count), f"{name}_accuracy": float(right / count)}
            scores["loss"] += float(loss / count)
        if not self._sums:
            raise InputError("there are no examples to evaluate")
        scores["perplexity"] = _perplexity(scores[f"{self._words}_loss"])
        return {**scores, **kinds, "unigram_accuracy": self.unigram_accuracy()}

    def unigram_accuracy(self) -> float:
        """Returns the accuracy of always predicting the most frequent of the predicted tokens.

        Raises:
            InputError: There was no prediction.
        """
        if not self._labels.any():
            raise InputError("there is no predicted token to score")
        return float(self._labels.max() / self._labels.sum())


def _perplexity(loss: float) -> float:
    return math.exp(min(loss, 700.0))  # of float64 e^709 is the largest


def unigram_accuracy(batches: Iterable[tuple]) -> float:
    """Gives the accuracy of always predicting the most frequent of the predicted tokens, the baseline to beat.

    Args:
        batches: As `PretrainingTask.batches` makes them.

    Raises:
        InputError: There is no prediction.
    """
    sums: PretrainingSums | None = None
    for _, targets, weights in batches:
        sums = sums or PretrainingSums(*(set(targets) - {NEXT_SENTENCE}))
        sums.add({}, targets, weights)
    return (sums or PretrainingSums()).unigram_accuracy()
