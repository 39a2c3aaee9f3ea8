"""Rows of several texts that go through the encoder one by one: packed together, padded to one width."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from keras import ops

from keras_bert.text.preprocessor import BertPreprocessor


def group_rows(packed: Mapping[str, tf.RaggedTensor], count: Any) -> dict[str, Any]:
    """Puts each `count` packed texts into one row, as the batcher takes it: its length is that of all of them.

    Args:
        packed: What `BertPreprocessor.pack` gives for (rows · count) texts.
        count: Texts a row, a number or int32 ().

    Returns:
        `token_ids` and `segment_ids`, ragged int32 (rows, (tokens)), and `lengths`, int64 (rows, count).
    """
    lengths = packed["token_ids"].row_lengths()
    rows = {
        name: tf.RaggedTensor.from_row_splits(ragged.values, ragged.row_splits[::count], validate=False)
        for name, ragged in packed.items()
    }
    return {**rows, "lengths": tf.reshape(lengths, [-1, count])}


def pad_groups(preprocessor: BertPreprocessor, rows: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """Pads the texts of grouped rows; rows of one text each, as `pack` gives them, too.

    Returns:
        The encoder's inputs, int32 (rows, count, tokens); (rows, tokens) for rows that are not grouped.
    """
    if "lengths" not in rows:
        return preprocessor.pad(rows)
    lengths = rows["lengths"]
    count = lengths.shape[1] or tf.shape(lengths)[1]
    texts = {
        name: tf.RaggedTensor.from_row_lengths(rows[name].values, tf.reshape(lengths, [-1]), validate=False)
        for name in ("token_ids", "segment_ids")
    }
    return {
        name: tf.reshape(tensor, tf.stack([-1, count, tf.shape(tensor)[1]]))
        for name, tensor in preprocessor.pad(texts).items()
    }


def flat_rows(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Makes the encoder's inputs, int32 (rows · count, tokens), of those of grouped rows; others stay as they are."""
    if len(inputs["token_ids"].shape) == 2:
        return dict(inputs)
    return {name: ops.reshape(tensor, (-1, ops.shape(tensor)[2])) for name, tensor in inputs.items()}
