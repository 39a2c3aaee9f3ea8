"""Columns in memory as a data set of rows."""

import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.graph import as_written

# The labels of data sets that are in use; data sets do not change.
_LABELS: weakref.WeakKeyDictionary[tf.data.Dataset, Any] = weakref.WeakKeyDictionary()


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
        rows = rows.map(as_written(_plain))
    if "label" in columns:
        _LABELS[rows] = columns["label"]
    return rows


def labels_in_memory(rows: tf.data.Dataset) -> Any:
    """Returns the column of labels of a data set that `dataset_of` made, None of any other."""
    return _LABELS.get(rows)


def labels_in(rows: tf.data.Dataset) -> Iterator[np.ndarray]:
    """Yields all labels of a data set of rows, some at a time; of several a row one after the other.

    Going through 300,000 rows takes TensorFlow seconds; of a data set that `dataset_of` made the column is there.
    """
    if rows in _LABELS:
        column = _LABELS[rows]
        yield (column.flat_values if isinstance(column, tf.RaggedTensor) else tf.convert_to_tensor(column)).numpy()
        return
    for batch in rows.map(as_written(lambda row: row["label"])).ragged_batch(4096):
        yield (batch.flat_values if isinstance(batch, tf.RaggedTensor) else batch).numpy()


def _plain(row: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    return {name: tf.convert_to_tensor(value) for name, value in row.items()}
