"""Rows of several texts that go through the encoder one by one: packed together, padded to one width."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from keras import ops

from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.ragged_rows import splits_of


def group_rows(packed: Mapping[str, tf.RaggedTensor], count: Any) -> dict[str, Any]:
    """Puts each `count` packed texts into one row, as the batcher takes it: its length is that of all of them.

    Args:
        packed: What `BertPreprocessor.pack` gives for (rows · count) texts.
        count: Texts a row, a number or int32 ().

    Returns:
        `token_ids` and `segment_ids`, ragged int32 (rows, (tokens)), and `lengths`, int64 (rows, count); of windows
        ragged (rows, count, (windows)).
    """
    lengths = packed["token_ids"].row_lengths()
    rows = {
        name: tf.RaggedTensor.from_row_splits(packed[name].values, packed[name].row_splits[::count], validate=False)
        for name in ("token_ids", "segment_ids")
    }
    if "lengths" in packed:
        return {**rows, "lengths": tf.RaggedTensor.from_uniform_row_length(packed["lengths"], count)}
    return {**rows, "lengths": tf.reshape(lengths, [-1, count])}


def pad_groups(preprocessor: BertPreprocessor, rows: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """Pads the texts of grouped rows; rows of one text each, as `pack` gives them, too.

    Returns:
        The encoder's inputs, int32 (rows, count, tokens); (rows, tokens) for rows that are not grouped. Of windows
        (rows, count, windows, tokens), or (rows, windows, tokens).
    """
    if "lengths" not in rows or (len(rows["lengths"].shape) == 2 and isinstance(rows["lengths"], tf.RaggedTensor)):
        return preprocessor.pad(rows)
    lengths = rows["lengths"]
    if isinstance(lengths, tf.RaggedTensor):
        return _pad_window_groups(preprocessor, rows)
    count = lengths.shape[1] or tf.shape(lengths)[1]
    texts = {
        name: tf.RaggedTensor.from_row_lengths(rows[name].values, tf.reshape(lengths, [-1]), validate=False)
        for name in ("token_ids", "segment_ids")
    }
    return {
        name: tf.reshape(tensor, tf.stack([-1, count, tf.shape(tensor)[1]]))
        for name, tensor in preprocessor.pad(texts).items()
    }


def _pad_window_groups(preprocessor: BertPreprocessor, rows: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """Pads grouped rows whose texts are windows."""
    of_texts = rows["lengths"].values  # ragged (rows · count, (windows))
    groups = rows["lengths"].nrows(tf.int32)
    count = of_texts.nrows(tf.int32) // tf.maximum(groups, 1)
    splits = tf.gather(splits_of(of_texts.values), of_texts.row_splits)
    texts = {
        name: tf.RaggedTensor.from_row_splits(rows[name].values, splits, validate=False)
        for name in ("token_ids", "segment_ids")
    }
    return {
        name: tf.reshape(tensor, tf.concat([[groups, count], tf.shape(tensor)[1:]], 0))
        for name, tensor in preprocessor.pad({**texts, "lengths": of_texts}).items()
    }


def flat_rows(inputs: Mapping[str, Any], rank: int = 2) -> dict[str, Any]:
    """Makes a model's inputs, int32 (rows · count, tokens), of those of grouped rows; others stay as they are.

    Args:
        inputs: By name.
        rank: Axes of what the model takes: 3 for (rows · count, windows, tokens).
    """
    if len(inputs["token_ids"].shape) == rank:
        return dict(inputs)
    return {name: ops.reshape(tensor, (-1, *ops.shape(tensor)[2:])) for name, tensor in inputs.items()}
