"""How good a model that writes is: token by token, and by the texts that it writes."""

import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.evaluation.generation import generation_scores
from keras_bert.tasks.generation.loss import SmoothedCrossEntropy
from keras_bert.training.runs.between_workers import BetweenWorkers
from keras_bert.training.strategy import part_of_workers


class TextScoring(NamedTuple):
    """How written texts are compared with their references; see `keras_bert.evaluation.generation_scores`.

    Attributes:
        bleu_tokenize: How BLEU cuts texts; None: as the references' script asks for.
        lowercase: Compare without case; None: where the vocabulary is lower-cased, which cannot write capitals.
    """

    bleu_tokenize: str | None = None
    lowercase: bool | None = None


def row_sums(logits: Any, targets: Any, weights: Any) -> Any:
    """Adds up each row's losses without label smoothing, right tokens and tokens.

    Args:
        logits: float (batch, predictions, entries).
        targets: int32 (batch, predictions).
        weights: float32 (batch, predictions).

    Returns:
        float64 (batch, 3).
    """
    parts = [SmoothedCrossEntropy(reduction="none")(targets, logits), tf.argmax(logits, -1, tf.int32) == targets, 1]
    counted = tf.cast(weights, tf.float64)
    return tf.stack([tf.reduce_sum(counted * tf.cast(part, tf.float64), 1) for part in parts], 1)


def token_scores(batches: Iterable[Any], sums_of: Callable[..., Any]) -> dict[str, float]:
    """Scores the prediction of each target token, given the true tokens before it.

    Args:
        batches: `(inputs, targets, weights)`.
        sums_of: From the parts of a batch to the sums of its rows, as `row_sums` gives them.

    Returns:
        `loss`, the mean cross-entropy of a target token without label smoothing; `perplexity`, its exponential;
        `token_accuracy`.

    Raises:
        InputError: There are no rows.
    """
    sums = np.zeros(3)
    for batch in batches:
        sums += np.sum(sums_of(*batch), axis=0)
    if not sums[2]:
        raise InputError("there are no rows to evaluate")
    mean = sums[0] / sums[2]
    return {"loss": mean, "perplexity": float(np.exp(mean)), "token_accuracy": sums[1] / sums[2]}


def text_scores(
    answer: Callable[[list[str]], list[dict[str, Any]]], rows: tf.data.Dataset, scoring: TextScoring, lowercase: bool
) -> dict[str, float]:
    """Writes a text for each row, and compares.

    Args:
        answer: From texts to answers, each with `text`.
        rows: `text` and `target`, or `references`, of which the best counts.
        scoring: How.
        lowercase: Whether the vocabulary is lower-cased.

    Returns:
        The scores of `keras_bert.evaluation.generation_scores`.
    """
    sources, references = texts_of(rows)
    written = [found["text"] for found in answer(sources)]
    insensitive = lowercase if scoring.lowercase is None else scoring.lowercase
    return generation_scores(written, references, scoring.bleu_tokenize, insensitive)


def answered_by_workers(
    strategy: tf.distribute.Strategy, answer: Callable[[list[str]], list[dict[str, Any]]], sources: list[str]
) -> list[dict[str, Any]]:
    """Answers texts, of which each worker of a strategy takes its share: to write takes longer than to score.

    Args:
        strategy: That of the model.
        answer: From texts to answers, each with `text`.
        sources: The same on all workers.

    Returns:
        The `text` of each answer, on all workers.

    Example:
        >>> answered_by_workers(tf.distribute.get_strategy(), lambda texts: [{"text": text} for text in texts], ["a"])
        [{'text': 'a'}]
    """
    workers = BetweenWorkers.of(strategy)
    if workers is None:
        return answer(sources)
    own, count = part_of_workers(strategy)
    written = [found["text"] for found in answer(sources[own::count])]
    shares = [json.loads(data) for data in workers.gather(json.dumps(written).encode())]
    return [{"text": shares[row % count][row // count]} for row in range(len(sources))]


def texts_of(rows: tf.data.Dataset) -> tuple[list[str], list[list[str]]]:
    """Returns the texts of rows, and the references of each.

    Example:
        >>> texts_of(tf.data.Dataset.from_tensor_slices({"text": ["ein hund"], "target": ["a dog"]}))
        (['ein hund'], [['a dog']])
    """
    sources, references = [], []
    for row in rows.as_numpy_iterator():
        found = row["references"] if "references" in row else [row["target"]]
        sources.append(row["text"].decode("utf-8", "replace"))
        references.append([one.decode("utf-8", "replace") for one in found])
    return sources, references
