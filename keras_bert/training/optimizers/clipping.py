"""The norm of all gradients together, and the factor that clips it."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_bert.layers.wide import wide

if keras.config.backend() == "tensorflow":
    import tensorflow as tf


def global_norm(gradients: Sequence[Any], dense: Sequence[Any]) -> Any:
    """Returns the norm of all gradients together.

    Args:
        gradients: Tensors, or `tf.IndexedSlices` whose rows may belong to one index several times.
        dense: The same as tensors: for slices, what they stand for.

    Returns:
        Scalar, float32, or float64 where a gradient is.

    Example:
        >>> gradients = [tf.constant([3.0]), tf.constant([4.0])]
        >>> float(global_norm(gradients, gradients))
        5.0
    """
    squares = [_sum_of_squares(*pair) for pair in zip(gradients, dense, strict=True)]
    dtype = max((square.dtype for square in squares), key=lambda dtype: dtype.size)
    return tf.sqrt(tf.add_n([tf.cast(square, dtype) for square in squares]))


def clipping_factor(norm: Any, limit: float) -> Any:
    """Returns the factor that takes a norm down to `limit`: 1 below it, nan where the norm is infinite.

    Example:
        >>> [float(clipping_factor(tf.constant(norm), 2.0)) for norm in (1.0, 4.0)]
        [1.0, 0.5]
    """
    return limit * tf.minimum(1 / norm, 1 / limit) + (norm - norm)


def _sum_of_squares(gradient: Any, dense: Any) -> Any:
    def of_all() -> Any:
        return 2 * tf.nn.l2_loss(wide(dense))

    if not isinstance(gradient, tf.IndexedSlices):
        return of_all()
    # The gradient of an embedding table has a row for each token of the batch, most tokens several times: a row that
    # n tokens have is gathered n times below. (Keras adds up the squares of the parts, which is not the norm.)
    size, rows = tf.size(gradient.indices), tf.shape(dense)[0]

    def of_rows() -> Any:
        squares = tf.square(wide(tf.gather(dense, gradient.indices)))
        counts = tf.math.unsorted_segment_sum(tf.ones([size], squares.dtype), gradient.indices, rows)
        return tf.reduce_sum(tf.reduce_sum(tf.reshape(squares, (size, -1)), 1) / tf.gather(counts, gradient.indices))

    return tf.cond(size < rows, of_rows, of_all)
