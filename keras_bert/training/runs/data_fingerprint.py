"""A short text that tells rows from others, so that a run that goes on notices when its data have changed."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from keras_bert.errors import InputError
from keras_bert.training.runs.run_state import RunState

LABELS = "labels"
"""The fact that says what the outputs of a model stand for."""

_BATCH = 4096
_SHOWN = 20  # labels that a message spells out
# Odd numbers of many bits: products modulo 2⁶⁴ mix well.
_MIX = (0x9E3779B97F4A7C15 - 2**64, 0xBF58476D1CE4E5B9 - 2**64, 0x94D049BB133111EB - 2**64)


def data_fingerprint(rows: Any) -> str:
    """Reads rows once and returns their number and a digest of all their values, which depends on their order.

    Args:
        rows: Elements of strings, numbers and truth values, ragged or not, in any nesting; finite. Or prepared
            examples, which have a `fingerprint` of their own.

    Example:
        >>> data_fingerprint(tf.data.Dataset.from_tensor_slices({"text": ["a", "b"]})).split(", ")[0]
        '2 rows'
    """
    if not isinstance(rows, tf.data.Dataset):
        return rows.fingerprint
    start = tf.zeros([2], tf.int64)

    def add(state: tf.Tensor, batch: Any) -> tf.Tensor:
        parts = [part for value in tf.nest.flatten(batch) for part in _parts(value)]
        digest = tf.zeros([], tf.int64)
        for number, part in enumerate(parts):
            digest = digest * _MIX[0] + _digest(part) + number
        return tf.stack([state[0] + _rows(tf.nest.flatten(batch)[0]), state[1] * _MIX[1] + digest])

    count, digest = rows.ragged_batch(_BATCH).reduce(start, add).numpy()
    return f"{count} rows, {int(digest) % 2**64:016x}"


def arrays_fingerprint(documents: Iterable[Iterable[Any]]) -> str:
    """As `data_fingerprint`, of groups of arrays of numbers, such as the sentences of tokenized documents.

    Example:
        >>> arrays_fingerprint([[np.array([1, 2]), np.array([3])]])
        '1 documents, dbed236f136f4bf2'
    """
    digest, count = hashlib.blake2b(digest_size=8), 0
    for count, document in enumerate(documents, start=1):  # noqa: B007  # the number of the last is their number
        for array in document:
            values = np.asarray(array)
            digest.update(len(values).to_bytes(8, "little") + values.tobytes())
        digest.update(b"|")
    return f"{count} documents, {digest.hexdigest()}"


def labels_of(model: Any) -> dict[str, str]:
    """Returns what the outputs of a model stand for, in their order, as a fact of its run; empty where nothing says."""
    labels = list(getattr(model, "labels", None) or ())
    if not labels:
        return {}
    digest = hashlib.blake2b("\0".join(labels).encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return {LABELS: ", ".join(labels) if len(labels) <= _SHOWN else f"{len(labels)} labels, {digest}"}


def check_facts(state: RunState, now: Mapping[str, Any], resume: str, folder: Path) -> None:
    """Compares what the batches of a run follow from with what it was when the run was stopped.

    Args:
        state: Restored, with the facts of then in `place["data"]`. With `resume="changed"` and another `batch_size` its
            place in the epoch becomes that of the same row.
        now: The facts by name, such as `rows` and `batch_size`.
        resume: `"changed"`: go on with a warning.
        folder: Of the run, for the message.

    Raises:
        InputError: Names what has changed. Other labels, or in another order, are refused in any case.
    """
    before = state.place.get("data", {})
    if LABELS in before and before[LABELS] != now.get(LABELS):
        raise InputError(
            f"{folder}: the outputs of the run stand for other labels: {before[LABELS]} then, {now.get(LABELS)} now. "
            "Give it those of then in their order, labels=[...] (--labels), or start anew, overwrite=True (--overwrite)"
        )
    before, now = ({name: value for name, value in facts.items() if name != LABELS} for facts in (before, now))
    changed = [name for name in {**before, **now} if before and before.get(name) != now.get(name)]
    if not changed:
        return
    words = "; ".join(f"{name}: {before.get(name)} then, {now.get(name)} now" for name in changed)
    if resume != "changed":
        raise InputError(
            f"{folder}: the data have changed since the run was stopped, so that rows would be skipped or seen twice: "
            f"{words}. Give it what it had; start anew, overwrite=True (--overwrite); or go on all the same, "
            "resume='changed' (--resume=changed)"
        )
    logging.warning("rows of this epoch may come twice or not at all: %s", words)
    sizes = before.get("batch_size"), now.get("batch_size")
    if all(sizes):
        state.place["step"] = state.place["step"] * sizes[0] // sizes[1]


def _parts(value: Any) -> list[tf.Tensor]:
    """Returns the tensors that a value is made of; of a ragged one the values and where rows end."""
    if isinstance(value, tf.RaggedTensor):
        return [value.flat_values, *value.nested_row_splits]
    return [value]


def _rows(value: Any) -> tf.Tensor:
    return tf.cast(value.nrows() if isinstance(value, tf.RaggedTensor) else tf.shape(value)[0], tf.int64)


def _digest(value: tf.Tensor) -> tf.Tensor:
    """Returns a number that depends on all values and their places, int64 scalar."""
    flat = tf.reshape(value, [-1])
    if flat.dtype == tf.string:
        numbers = tf.strings.to_hash_bucket_fast(flat, 2**62)
    elif flat.dtype.is_floating:
        numbers = tf.cast(tf.bitcast(tf.cast(flat, tf.float32), tf.int32), tf.int64)
    else:
        numbers = tf.cast(flat, tf.int64)
    places = tf.range(tf.size(numbers, tf.int64), dtype=tf.int64) * 2 + 1
    mixed = numbers * _MIX[2]
    mixed = tf.bitwise.bitwise_xor(mixed, tf.bitwise.right_shift(mixed, tf.constant(31, tf.int64)))
    return tf.reduce_sum(mixed * places) + tf.size(numbers, tf.int64)
