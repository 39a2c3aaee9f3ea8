"""Which row each value of a ragged tensor is of, and what rows come to, in memory that grows with the values.

TensorFlow's own ways (`tf.repeat`, `RaggedTensor.value_rowids`, `tf.ragged.boolean_mask`, reductions of a ragged
dimension) first make a matrix of all rows times the longest one: a batch of 4,000 words of which one has 20 kB takes
1.7 GB. This file is the only one that may do such arithmetic; `tests/text/ragged_rows_test.py` sees to it.
"""

from typing import Any

import tensorflow as tf


def row_ids(row_splits: tf.Tensor) -> tf.Tensor:
    """Says of each value which row it is of.

    Args:
        row_splits: int32 or int64 (rows + 1,), where each row begins among the values, and their number.

    Returns:
        (values,) of the same dtype, rising.

    Example:
        >>> row_ids(tf.constant([0, 2, 2, 3])).numpy().tolist()
        [0, 0, 2]
    """
    # Each split but the first and the last is a step up; as `searchsorted` of the splits, in half the time.
    steps = row_splits[1:-1]
    total = row_splits[-1]
    return tf.cumsum(tf.math.unsorted_segment_sum(tf.ones_like(steps), steps, total + 1))[:-1]


def splits_of(lengths: tf.Tensor) -> tf.Tensor:
    """Makes the row splits, (rows + 1,), of the lengths of rows, (rows,)."""
    return tf.concat([tf.zeros([1], lengths.dtype), tf.cumsum(lengths)], 0)


def repeat(values: Any, counts: tf.Tensor) -> tf.Tensor:
    """Repeats each value as often as is said of it, as `tf.repeat` does.

    Args:
        values: (rows, ...).
        counts: int32 or int64 (rows,), none below 0.

    Example:
        >>> repeat(tf.constant([7, 8, 9]), tf.constant([1, 0, 2])).numpy().tolist()
        [7, 9, 9]
    """
    return tf.gather(values, row_ids(splits_of(counts)))


def join_rows(strings: tf.RaggedTensor) -> tf.Tensor:
    """Joins the strings of each row: string RaggedTensor (rows, (strings)) in, string (rows,) out.

    Example:
        >>> join_rows(tf.ragged.constant([["a", "b"], [], ["c"]])).numpy().tolist()
        [b'ab', b'', b'c']
    """
    return tf.strings.unsorted_segment_join(strings.values, row_ids(strings.row_splits), strings.nrows())


def any_in_rows(values: tf.RaggedTensor) -> tf.Tensor:
    """Says of each row whether one of its values is True: bool RaggedTensor (rows, (values)) in, bool (rows,) out.

    Example:
        >>> any_in_rows(tf.ragged.constant([[False, True], [], [False]])).numpy().tolist()
        [True, False, False]
    """
    found = splits_of(tf.cast(values.values, tf.int64))
    found = tf.gather(found, values.row_splits)
    return found[1:] > found[:-1]


def select_rows(values: tf.RaggedTensor, chosen: tf.Tensor) -> tf.RaggedTensor:
    """Keeps some rows of a ragged tensor, as `tf.ragged.boolean_mask` does with a mask of rows.

    Args:
        values: (rows, (values), ...).
        chosen: bool (rows,).
    """
    return tf.gather(values, tf.where(chosen)[:, 0])


def select_values(values: tf.RaggedTensor, chosen: tf.Tensor) -> tf.RaggedTensor:
    """Keeps some values of a ragged tensor, each in its row.

    Args:
        values: (rows, (values)).
        chosen: bool (values,).

    Example:
        >>> select_values(tf.ragged.constant([[7, 8], [], [9]]), tf.constant([True, False, True])).to_list()
        [[7], [], [9]]
    """
    splits = tf.gather(splits_of(tf.cast(chosen, values.row_splits.dtype)), values.row_splits)
    return tf.RaggedTensor.from_row_splits(tf.boolean_mask(values.values, chosen), splits, validate=False)
