"""Shifts of the word vectors of each example: their norms, directions, limits and random beginnings.

An example is a row of a batch with all of its texts. Whatever is computed here is computed for each of them by itself,
over all of its tokens and their numbers, so that it does not depend on the batch, nor on how the batch is dealt out.
N examples; a shift is float32 (N, ..., tokens, hidden size).
"""

from typing import Any

import tensorflow as tf


def norms(shift: Any) -> Any:
    """Gives the Euclidean norm of each example's shift: float32 (N, 1, ..., 1).

    Example:
        >>> norms(tf.constant([[[3.0], [4.0]], [[0.0], [1.0]]])).numpy().ravel().tolist()
        [5.0, 1.0]
    """
    return tf.sqrt(tf.reduce_sum(tf.square(shift), _axes(shift), keepdims=True))


def largest(shift: Any) -> Any:
    """Gives the maximum norm of each example's shift: float32 (N, 1, ..., 1).

    Example:
        >>> largest(tf.constant([[[3.0], [-4.0]]])).numpy().ravel().tolist()
        [4.0]
    """
    return tf.reduce_max(tf.abs(shift), _axes(shift), keepdims=True)


def direction(gradient: Any) -> Any:
    """Divides each example's gradient by its Euclidean norm; 0 stays 0.

    By the largest number first: squares of a gradient that is divided by the size of a batch may be too small for
    float32.

    Example:
        >>> direction(tf.constant([[[3e-30], [-4e-30]], [[0.0], [0.0]]])).numpy().round(6).tolist()
        [[[0.6000000238418579], [-0.800000011920929]], [[0.0], [0.0]]]
    """
    gradient = tf.math.divide_no_nan(gradient, largest(gradient))
    return tf.math.divide_no_nan(gradient, norms(gradient))


def within(shift: Any, radius: float | None) -> Any:
    """Takes each example's shift back to the ball of a radius, if it is outside; None for no limit.

    Example:
        >>> within(tf.constant([[[3.0], [4.0]]]), 1.0).numpy().ravel().round(6).tolist()
        [0.6000000238418579, 0.800000011920929]
    """
    if radius is None:
        return shift
    size = norms(shift)
    return tf.where(size > radius, shift * tf.math.divide_no_nan(tf.constant(radius, tf.float32), size), shift)


def uniform(numbers: Any, shape: Any, seed: int) -> Any:
    """Draws numbers from -1 to 1 for each example, which follow from its number and the seed alone.

    Args:
        numbers: int64 (N,).
        shape: int32, N first.
        seed: Any number.
    """
    return _by_example(numbers, shape, seed, lambda size, own: tf.random.stateless_uniform(size, own, -1.0, 1.0))


def normal(numbers: Any, shape: Any, seed: int) -> Any:
    """As `uniform`, from the standard normal distribution."""
    return _by_example(numbers, shape, seed, tf.random.stateless_normal)


def _by_example(numbers: Any, shape: Any, seed: int, draw: Any) -> Any:
    size = tf.reduce_prod(shape[1:])
    base = tf.constant([seed % 2**31, 0x5EED], tf.int32)
    drawn = tf.map_fn(
        lambda number: draw((size,), tf.random.experimental.stateless_fold_in(base, number)),
        tf.concat([numbers, tf.zeros([1], numbers.dtype)], 0),  # of no example at all the result would have no shape
        fn_output_signature=tf.TensorSpec([None], tf.float32),
    )
    return tf.reshape(drawn[:-1], shape)


def _axes(shift: Any) -> list[int]:
    return list(range(1, shift.shape.rank))
