"""The outputs of a teacher, kept on disk, so that further epochs and further runs do not pay for them again."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from keras_bert.errors import InputError
from keras_bert.files import atomic_folder
from keras_bert.foreign_files import read_json
from keras_bert.graph import as_written
from keras_bert.tasks.question_answering.spans import IMPOSSIBLE

FACTS = "cache.json"
_MIX = (0x9E3779B97F4A7C15 - 2**64, 0xBF58476D1CE4E5B9 - 2**64, 0x94D049BB133111EB - 2**64)


class TeacherCache:
    """Outputs of a teacher by the tokens of a row, whatever batch and order the row comes in.

    Args:
        keys: int64 (rows,), sorted, see `row_keys`.
        values: float32 (rows, ...); where outputs are of tokens (all tokens, ...), one row after the other.
        splits: int64 (rows + 1,), where the tokens of each row begin and end; None where outputs are of rows.
        axis: The axis of outputs that is of tokens, or None.
    """

    def __init__(self, keys: np.ndarray, values: np.ndarray, splits: np.ndarray | None, axis: int | None) -> None:
        self.rows = len(keys)
        self._keys, self._values = tf.constant(keys), tf.constant(values)
        self._splits = None if splits is None else tf.constant(splits)
        self._axis = axis

    @classmethod
    def opened(
        cls,
        folder: str | Path,
        facts: Mapping[str, str],
        batches: tf.data.Dataset,
        teacher: Callable[[Any], Any],
        axis: int | None,
    ) -> "TeacherCache":
        """Opens the outputs in a folder, or computes and writes them if there are none.

        The folder appears whole or not at all.

        Args:
            folder: Gets `cache.json`, `keys.npy`, `values.npy`, perhaps `splits.npy`.
            facts: What the outputs follow from, by name: the fingerprints of the rows and of the teacher, ...
            batches: Of the rows, with or without targets.
            teacher: From the inputs of a batch, (rows, tokens) each, to the outputs, float (rows, ...).
            axis: The axis of the outputs that is of tokens; None where they are of rows.

        Raises:
            InputError: The folder holds something else, or the outputs of other rows or of another teacher.
        """
        folder = Path(folder).expanduser()
        known = read_json(folder / FACTS)
        if known is not None:
            changed = [name for name in {**known, **facts} if known.get(name) != facts.get(name)]
            if changed:
                shown = (f"{name}: {known.get(name)!s:.80} then, {facts.get(name)!s:.80} now" for name in changed)
                words = "; ".join(shown)
                raise InputError(
                    f"{folder}: keeps the outputs of another teacher or of other rows ({words}); name another folder, "
                    "or delete this one to have it made anew"
                )
            logging.info("%s: the teacher's outputs are there already", folder)
        else:
            columns = _computed(batches, teacher, axis)
            with atomic_folder(folder) as temporary:
                for name, column in columns.items():
                    np.save(temporary / f"{name}.npy", column)
                (temporary / FACTS).write_text(json.dumps(dict(facts), indent=2) + "\n", encoding="utf-8")
        keys, values = (_read(folder, name) for name in ("keys", "values"))
        return cls(keys, values, None if axis is None else _read(folder, "splits"), axis)

    def of(self, inputs: Mapping[str, Any]) -> tf.Tensor:
        """Returns the outputs of the rows of a batch, in the graph.

        Args:
            inputs: int32 (rows, tokens) by name.

        Returns:
            float32 (rows, ...); behind the tokens of a row what outputs of padding are to the loss.

        Raises:
            tf.errors.InvalidArgumentError: A row is not there.
        """
        keys = row_keys(inputs)
        places = tf.minimum(tf.searchsorted(self._keys, keys), self.rows - 1)
        is_there = tf.reduce_all(tf.gather(self._keys, places) == keys)
        with tf.control_dependencies([tf.debugging.Assert(is_there, ["a row whose teacher's outputs are not kept"])]):
            places = tf.identity(places)
        if self._splits is None or self._axis is None:
            return tf.gather(self._values, places)
        ragged = tf.RaggedTensor.from_row_splits(self._values, self._splits, validate=False)
        rows = tf.gather(ragged, places)
        last = self._values.shape[1]
        # What follows the tokens of a row is padding, where no answer can be.
        padding = IMPOSSIBLE if self._axis == 2 else 0.0
        dense = rows.to_tensor(padding, shape=tf.stack([-1, tf.shape(inputs["token_ids"])[1], last]))
        dense = tf.ensure_shape(dense, [None, None, last])
        return tf.transpose(dense, [0, 2, 1]) if self._axis == 2 else dense


def row_keys(inputs: Mapping[str, Any]) -> tf.Tensor:
    """Gives each row a number that depends on all its tokens and their places, and not on the padding behind them.

    Args:
        inputs: int32 (rows, tokens) by name, `padding_mask` among them.

    Returns:
        int64 (rows,).
    """
    mask = tf.cast(inputs["padding_mask"], tf.int64)
    token = tf.zeros_like(mask)
    for name in sorted(inputs):
        token = token * _MIX[0] + tf.cast(inputs[name], tf.int64) + 1
    places = tf.range(tf.shape(mask, tf.int64)[1], dtype=tf.int64) * 2 + 1
    return tf.reduce_sum(_mixed(token * _MIX[1] + places * _MIX[2]) * tf.cast(mask > 0, tf.int64), axis=1)


def _mixed(numbers: tf.Tensor) -> tf.Tensor:
    """Spreads every bit of a number over all of them, as splitmix64 does."""
    for factor, shift in ((_MIX[1], 30), (_MIX[2], 27), (1, 31)):
        shifted = tf.bitwise.right_shift(numbers, tf.constant(shift, tf.int64))
        numbers = tf.bitwise.bitwise_xor(numbers, shifted) * factor
    return numbers


def _computed(batches: tf.data.Dataset, teacher: Callable[[Any], Any], axis: int | None) -> dict[str, np.ndarray]:
    """Runs the teacher over all rows."""

    def flat(inputs: Any, *_: Any) -> Any:
        inputs = {name: tf.reshape(each, tf.stack([-1, tf.shape(each)[-1]])) for name, each in inputs.items()}
        return inputs, row_keys(inputs), tf.math.count_nonzero(inputs["padding_mask"], 1)

    found: dict[int, np.ndarray] = {}
    for inputs, keys, lengths in batches.map(as_written(flat)):
        outputs = np.asarray(teacher(inputs), "float32")
        if axis == 2:
            outputs = outputs.transpose(0, 2, 1)
        for key, length, row in zip(keys.numpy().tolist(), lengths.numpy().tolist(), outputs, strict=True):
            found[key] = row if axis is None else row[:length].copy()
    if not found:
        raise InputError("there are no rows that the teacher could answer")
    keys = np.array(sorted(found), "int64")
    rows = [found[key] for key in keys.tolist()]
    if axis is None:
        return {"keys": keys, "values": np.stack(rows)}
    splits = np.cumsum([0, *(len(row) for row in rows)]).astype("int64")
    return {"keys": keys, "values": np.concatenate(rows), "splits": splits}


def _read(folder: Path, name: str) -> np.ndarray:
    try:
        return np.load(folder / f"{name}.npy", allow_pickle=False)
    except (OSError, ValueError) as error:
        message = f"{folder}/{name}.npy: cannot be read ({error}); delete the folder to have it made anew"
        raise InputError(message) from error
