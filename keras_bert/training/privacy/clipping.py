"""The factors that clip gradients, and the noise that is added to their sum."""

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def clip_factors(squares: Any, clip: float) -> Any:
    """Gives each example the factor that takes its gradient to a norm of at most `clip`.

    Args:
        squares: Squared norms, float32 (N,).
        clip: Infinity for no clipping.

    Returns:
        float32 (N,), 1 where nothing is to be done.

    Example:
        >>> clip_factors(tf.constant([0.0, 1.0, 16.0]), 2.0).numpy().tolist()
        [1.0, 1.0, 0.5]
    """
    if math.isinf(clip):
        return tf.ones_like(squares)
    norms = tf.sqrt(tf.maximum(squares, 0.0))
    return tf.where(norms > clip, clip / norms, tf.ones_like(norms))


def noised_mean(
    sums: Sequence[Any], variables: Sequence[Any], noise: float, batch_size: int, seed: Any, replicas: int = 1
) -> list[Any]:
    """Adds noise to sums of clipped gradients, and divides by the expected size of a batch.

    Where several replicas add up what each returns, all draw the same noise and each adds its share, so that the sum
    has it once.

    Args:
        sums: Of each variable, of this replica's examples; None for 0.
        variables: What they are of.
        noise: Standard deviation in the sum over all replicas.
        batch_size: Expected rows of a batch, over all replicas.
        seed: int64 (2,), another one in each step.
        replicas: How many add up.

    Returns:
        float32 tensors of the shapes of the variables.
    """
    means = []
    for number, (total, variable) in enumerate(zip(sums, variables, strict=True)):
        if noise:
            own = tf.random.experimental.stateless_fold_in(seed, number)
            mean = tf.random.stateless_normal(variable.shape, own) * (noise / replicas / batch_size)
        else:
            mean = tf.zeros(variable.shape)
        means.append(mean if total is None else _added(mean, total, 1 / batch_size))
    return means


def _added(mean: Any, total: Any, factor: float) -> Any:
    """Adds a sum times a factor; of a table, to the rows alone that it has."""
    if isinstance(total, tf.IndexedSlices):
        rows = tf.cast(total.indices, tf.int64)[:, None]
        return tf.tensor_scatter_nd_add(mean, rows, tf.cast(total.values, tf.float32) * factor)
    return mean + tf.cast(total, tf.float32) * factor
