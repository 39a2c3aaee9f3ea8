"""From questions and contexts to batches of windows."""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf
from absl import logging

from keras_bert.data.batching.batches import batches
from keras_bert.errors import InputError
from keras_bert.graph import as_written
from keras_bert.tasks.question_answering.windows import QuestionWindows, answer_positions
from keras_bert.text.ragged_rows import select_rows

ROWS_AT_ONCE = 1024


def window_rows(rows: tf.data.Dataset, windows: Callable[[Any, Any], QuestionWindows]) -> tf.data.Dataset:
    """Makes a data set of windows of one of questions.

    The rows are tokenized here, once, and their windows held in memory as numbers (5 bytes a token), so that it is
    known how many there are, and windows of one text fall into different batches.

    Args:
        rows: As `keras_bert.data.read_squad` makes them, with answers or without.
        windows: From `question` and `context`, string (rows,), to their windows.

    Returns:
        Dataset of known cardinality with dicts of `token_ids` int32 (tokens,), `segment_ids` int8 (tokens,), with
        answers also `positions` int32 (2,).

    Raises:
        InputError: Nothing can be learned from any of the rows.
    """
    names = [name for name in ("question", "context", "answer_start", "answer_end") if name in rows.element_spec]
    rows = rows.map(as_written(lambda row: {name: row[name] for name in names})).batch(ROWS_AT_ONCE)
    counted = rows.map(as_written(lambda row: _count(windows(row["question"], row["context"]), row)), tf.data.AUTOTUNE)
    parts = list(counted)
    kept = parts[0]["columns"] if parts else ()
    columns = {name: tf.concat([part["columns"][name] for part in parts], 0) for name in kept}
    lost, cut = (sum(int(part[name]) for part in parts) for name in ("lost", "cut"))
    if not columns or not int(columns["token_ids"].nrows()):
        raise InputError("there are no rows to learn from")
    if lost:
        logging.warning("%d questions are left out: their answer does not stand in the context", lost)
    if cut:
        logging.warning("%d questions are longer than max_question_length, and are cut", cut)

    def dense(window: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        # A row of a ragged tensor is announced as ragged of rank 0; as a plain tensor it batches like any other.
        return {name: tf.convert_to_tensor(values) for name, values in window.items()}

    return tf.data.Dataset.from_tensor_slices(columns).map(as_written(dense))


def question_batches(
    windows: tf.data.Dataset,
    pad: Callable[[Mapping[str, Any]], dict[str, tf.Tensor]],
    batch_size: int,
    **options: Any,
) -> tf.data.Dataset:
    """Makes batches of windows of like length.

    Args:
        windows: As `window_rows` makes them.
        pad: As for `keras_bert.data.batches`.
        batch_size: Windows a batch; the last one may be smaller.
        **options: Further arguments of `keras_bert.data.batches`.

    Returns:
        Dataset of `(inputs, targets)`, or `(inputs,)` without answers.
    """

    def numbers(window: Mapping[str, Any]) -> tuple[Any, ...]:
        inputs = {name: tf.cast(window[name], tf.int32) for name in ("token_ids", "segment_ids")}
        return (inputs, window["positions"]) if "positions" in window else (inputs,)

    return batches(windows, numbers, pad, batch_size, **options)


def learnable(asked: QuestionWindows, start: Any, end: Any) -> tuple[dict[str, Any], tf.Tensor]:
    """Chooses the windows from which something can be learned.

    Args:
        asked: The windows of some rows.
        start: int32 (rows,), as for `answer_positions`.
        end: int32 (rows,).

    Returns:
        The inputs and the positions, int32 (windows, 2), of these windows.
    """
    positions, usable = answer_positions(asked, start, end)
    kept = tf.gather(usable, asked.windows.row)
    inputs = {name: select_rows(values, kept) for name, values in asked.inputs.items()}
    return inputs, tf.boolean_mask(positions, kept)


def _count(asked: QuestionWindows, rows: Mapping[str, Any]) -> dict[str, Any]:
    """The columns to keep of some rows, and how many questions are left out or cut."""
    inputs, lost = dict(asked.inputs), tf.constant(0)
    columns: dict[str, Any] = {}
    if "answer_start" in rows:
        _, usable = answer_positions(asked, rows["answer_start"], rows["answer_end"])
        inputs, columns["positions"] = learnable(asked, rows["answer_start"], rows["answer_end"])
        lost = tf.math.count_nonzero(~usable)
    columns |= {"token_ids": inputs["token_ids"], "segment_ids": tf.cast(inputs["segment_ids"], tf.int8)}
    return {"columns": columns, "lost": lost, "cut": tf.math.count_nonzero(asked.cut)}
