"""Which sequences share a row, so that few rows hold them all."""

from typing import Any

import tensorflow as tf


def best_fit(lengths: Any, row_length: Any) -> tf.Tensor:
    """Packs sequences into rows: from the longest to the shortest, each into the fullest row that has room for it.

    Args:
        lengths: int (sequences,), tokens of each, 1 or more.
        row_length: int scalar, tokens of a row at most; none of the sequences may have more.

    Returns:
        int32 (sequences,), the number of the row of each; rows are numbered from 0 on, and none is empty.

    Example:
        >>> best_fit([2, 5, 3, 8, 4], 8).numpy().tolist()
        [2, 1, 1, 0, 2]

    References:
        Best-fit decreasing: Johnson 1973, "Near-optimal bin packing algorithms". Krell et al. 2021, arXiv:2107.02027,
        section 3.1, pack BERT's data in the same order.
    """
    lengths, row_length = tf.cast(lengths, tf.int32), tf.cast(row_length, tf.int32)
    count = tf.size(lengths)
    numbers = tf.range(count)
    order = tf.argsort(lengths, direction="DESCENDING", stable=True)

    def place(index: Any, room: Any, row_of: Any) -> tuple:
        length = lengths[order[index]]
        # The least room, and of equal ones the first. A row not begun has more room than any other, so it comes last.
        row = tf.reduce_min(tf.where(room >= length, room * count + numbers, tf.int32.max)) % count
        room = tf.tensor_scatter_nd_sub(room, [[row]], [length])
        return index + 1, room, row_of.write(order[index], row)

    start = (0, tf.fill([count], row_length), tf.TensorArray(tf.int32, count))
    _, _, row_of = tf.while_loop(lambda index, *_: index < count, place, start)
    return row_of.stack()
