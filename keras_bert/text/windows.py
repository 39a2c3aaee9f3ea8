"""Windows over texts that are longer than a model takes, and which window knows a token best."""

from typing import Any, NamedTuple

import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.text.ragged_rows import row_ids


class Windows(NamedTuple):
    """Windows over rows of tokens, those of a row one after the other.

    Attributes:
        row: int32 (windows,), the row that each is of.
        start: int32 (windows,), its first token, counted in the row.
        length: int32 (windows,), its tokens.
    """

    row: Any
    start: Any
    length: Any


def sliding_windows(lengths: Any, size: Any, stride: Any) -> Windows:
    """Cuts rows of tokens into windows that overlap.

    A window begins every `stride` tokens until one reaches the end of its row, so every token is in one at least, and
    the last may be shorter. A row without tokens has one empty window.

    Args:
        lengths: int (rows,), tokens of each row.
        size: Most tokens of a window, int scalar or (rows,).
        stride: Tokens from the begin of one window to that of the next, int scalar or (rows,); a larger one than
            `size` counts as `size`.

    Returns:
        The windows, in the order of the rows.

    Raises:
        InputError: A number given as a plain integer is less than 1.
        tf.errors.InvalidArgumentError: One in a tensor is.

    Example:
        >>> windows = sliding_windows([5, 0], size=4, stride=2)
        >>> [tensor.numpy().tolist() for tensor in windows]
        [[0, 0, 1], [0, 2, 0], [4, 3, 0]]

    References:
        github.com/google-research/bert, run_squad.py, `convert_examples_to_features`: `doc_stride`
    """
    lengths = tf.cast(lengths, tf.int32)
    size, stride = (_of_rows(value, name, lengths) for value, name in ((size, "size"), (stride, "stride")))
    stride = tf.minimum(stride, size)
    counts = 1 + (tf.maximum(lengths - size, 0) + stride - 1) // stride
    windows = tf.ragged.range(counts)
    row = tf.cast(row_ids(windows.row_splits), tf.int32)
    start = windows.values * tf.gather(stride, row)
    length = tf.minimum(tf.gather(lengths, row) - start, tf.gather(size, row))
    return Windows(row, start, length)


def best_window(windows: Windows, lengths: Any) -> tf.RaggedTensor:
    """Says for each token in which window it has the most context, so that each window answers for its own tokens.

    A token's context is the smaller of the numbers of tokens that its window has before and after it, plus a hundredth
    of the window's tokens; of equal windows the first counts.

    Args:
        windows: As `sliding_windows` gives them.
        lengths: int (rows,), tokens of each row.

    Returns:
        int32 RaggedTensor (rows, (tokens)), numbers of windows.

    Example:
        >>> best_window(sliding_windows([6], size=4, stride=2), [6]).to_list()
        [[0, 0, 0, 1, 1, 1]]

    References:
        github.com/google-research/bert, run_squad.py, `_check_is_max_context`
    """
    splits = tf.concat([[0], tf.cumsum(tf.cast(lengths, tf.int32))], 0)
    offsets = tf.ragged.range(windows.length)
    window = tf.cast(row_ids(offsets.row_splits), tf.int32)
    before = offsets.values
    after = tf.gather(windows.length, window) - before - 1
    context = 100 * tf.minimum(before, after) + tf.gather(windows.length, window)
    token = tf.gather(tf.gather(splits, windows.row) + windows.start, window) + before
    most = tf.math.unsorted_segment_max(context, token, splits[-1])
    candidates = tf.where(context == tf.gather(most, token), window, tf.int32.max)
    best = tf.math.unsorted_segment_min(candidates, token, splits[-1])
    return tf.RaggedTensor.from_row_splits(best, splits, validate=False)


def _of_rows(value: Any, name: str, lengths: tf.Tensor) -> tf.Tensor:
    """Makes int32 (rows,) of a number or of one for each row, all of them 1 or more."""
    if isinstance(value, int) and value < 1:
        raise InputError(f"{name} is {value}; a window needs 1 token or more")
    value = tf.cast(value, tf.int32)
    with tf.control_dependencies([tf.debugging.assert_positive(value, f"{name} of windows, in tokens")]):
        return tf.broadcast_to(value, tf.shape(lengths))
