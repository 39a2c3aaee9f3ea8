"""What of a file's rows a model cannot read or write: said before it is trained."""

import unicodedata
from typing import Any, NamedTuple

import tensorflow as tf

from keras_bert.graph import as_written
from keras_bert.text.learning.coverage import Coverage
from keras_bert.text.token_layer import TokenLayer

_BATCH = 1024


class Cuts(NamedTuple):
    """How many rows there are, and how many of their texts and targets are longer than a model takes."""

    rows: int
    texts: int
    targets: int


class Unwritable(NamedTuple):
    """What of the targets a vocabulary cannot write.

    Attributes:
        words: Words of the targets.
        share: Of them those that it cannot write, 0 to 1.
        examples: The most frequent of these.
        lost_share: Words, between blanks, that lose capitals or accents, 0 to 1.
        lost_examples: The first of these.
    """

    words: int
    share: float
    examples: list[str]
    lost_share: float
    lost_examples: list[str]


def count_cuts(tokenizer: TokenLayer, rows: tf.data.Dataset, max_length: int, max_target_length: int) -> Cuts:
    """Counts what is longer than a model takes.

    Args:
        tokenizer: The model's.
        rows: `text`, and `target` where there is one.
        max_length: Tokens of a text at most, `[CLS]` and `[SEP]` included.
        max_target_length: Tokens of a target at most, its end included.
    """

    def count(batch: dict[str, Any]) -> tf.Tensor:
        most = {"text": max_length - 2, "target": max_target_length - 1}
        lengths = {name: tokenizer(batch[name]).row_lengths() for name in most if name in batch}
        cut = [
            tf.math.count_nonzero(lengths[name] > most[name]) if name in lengths else tf.zeros([], tf.int64)
            for name in most
        ]
        return tf.stack([tf.size(batch["text"], tf.int64), *cut])

    kept = rows.map(as_written(lambda row: {name: row[name] for name in ("text", "target") if name in row}))
    counts = kept.batch(_BATCH).map(as_written(count), num_parallel_calls=tf.data.AUTOTUNE)
    total = counts.reduce(tf.zeros([3], tf.int64), lambda total, more: total + more)
    return Cuts(*map(int, total))


def unwritable(tokenizer: TokenLayer, rows: tf.data.Dataset, most_rows: int = 100_000) -> Unwritable:
    """Measures what of the targets a vocabulary cannot write.

    Args:
        tokenizer: The model's.
        rows: With `target`.
        most_rows: Rows that are looked at, the first ones.
    """
    coverage = Coverage(tokenizer)
    words, lost, examples = 0, 0, dict[str, None]()
    loses_accents = tokenizer.lowercase if tokenizer.strip_accents is None else tokenizer.strip_accents
    for batch in rows.map(as_written(lambda row: row["target"])).take(most_rows).batch(_BATCH).as_numpy_iterator():
        coverage.add(batch.tolist())
        for word in b" ".join(batch.tolist()).decode("utf-8", "replace").split():
            words += 1
            if (tokenizer.lowercase and word.lower() != word) or (loses_accents and _has_accent(word)):
                lost += 1
                if len(examples) < 5:
                    examples[word] = None
    report = coverage.report(unknown=5)
    return Unwritable(
        report["words"],
        report["unknown_rate"],
        list(report["most_frequent_unknown"]),
        lost / max(words, 1),
        [*examples],
    )


def _has_accent(word: str) -> bool:
    return not word.isascii() and any(unicodedata.category(sign) == "Mn" for sign in unicodedata.normalize("NFD", word))
