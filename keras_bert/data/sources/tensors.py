"""Columns in memory as a data set of rows."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf


def dataset_of(columns: Mapping[str, Any]) -> tf.data.Dataset:
    """Makes a data set of columns; of several values a row (a RaggedTensor), a row has a tensor of its own length.

    Example:
        >>> made = dataset_of({"text": ["a", "b"], "label": tf.ragged.constant([["x"], ["x", "y"]])})
        >>> [row["label"].shape[0] for row in made]
        [1, 2]
    """
    rows = tf.data.Dataset.from_tensor_slices(dict(columns))
    if any(isinstance(column, tf.RaggedTensor) for column in columns.values()):
        # A row of a ragged tensor is announced as ragged of rank 0; as a plain tensor it batches like any other.
        return rows.map(_plain)
    return rows


def _plain(row: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    return {name: tf.convert_to_tensor(value) for name, value in row.items()}
