"""Sums of gradients as tapes give them: dense ones, rows of a table, and those that are not there."""

from typing import Any

import tensorflow as tf

Gradients = list[Any]
"""A gradient for each variable: a tensor, `tf.IndexedSlices`, or None."""


def weighted_sum(gradients: Gradients, more: Gradients, weight: float, weight_of_more: float) -> Gradients:
    """Adds up gradients of the same variables, each with a weight.

    Args:
        gradients: Of each variable.
        more: Of each variable, of the same kinds.
        weight: Of the first.
        weight_of_more: Of the others.

    Example:
        >>> [float(total) for total in weighted_sum([tf.constant(2.0)], [tf.constant(4.0)], 0.5, 0.5)]
        [3.0]
    """
    return [
        _sum(_times(one, weight), _times(other, weight_of_more)) for one, other in zip(gradients, more, strict=True)
    ]


def _times(gradient: Any, weight: float) -> Any:
    if gradient is None:
        return None
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(gradient.values * weight, gradient.indices, gradient.dense_shape)
    return gradient * weight


def _sum(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    if isinstance(one, tf.IndexedSlices) and isinstance(other, tf.IndexedSlices):
        values, indices = (tf.concat(pair, 0) for pair in ((one.values, other.values), (one.indices, other.indices)))
        return tf.IndexedSlices(values, indices, one.dense_shape)
    return tf.convert_to_tensor(one) + tf.convert_to_tensor(other)
