"""The gradient of a batch computed in parts, for batches that do not fit into memory at once."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from keras_bert.layers.wide import wide_dtype


def accumulate(
    step: Callable[[Any], tuple[Any, Sequence[Any]]],
    data: Any,
    parts: int,
    variables: Sequence[Any],
    static: bool = False,
) -> tuple[Any, list[Any]]:
    """Cuts a batch into parts, one after the other, and adds up what a function gives for each.

    In a loop of the graph, so that the activations of one part are in memory at a time. There is no update in the
    loop: `gradient_accumulation_steps` of Keras (3.15) puts it under a condition, which fails in a graph under a
    strategy; it takes plain means of the parts' means, which are the whole's only where all parts weigh the same; and
    it counts each part as a step of the schedule.

    Args:
        step: From a part of `data` to a float scalar and a gradient for each variable, dense, sparse, or None. It
            may be called with a part of no rows.
        data: Tensors (rows, ...) in any nesting, with None in places.
        parts: How many parts to cut the rows into; all have as many rows, the last may have fewer, or be missing.
        variables: What the gradients are of.
        static: Cut so that shapes are known where the number of rows is, as XLA needs it; there must be a row.

    Returns:
        The sum of the scalars; the sums of the gradients, None for those that are None; in float32, or in float64
        where variables are.

    Example:
        >>> total, _ = accumulate(lambda x: (tf.reduce_sum(x), []), tf.range(5.0), 2, [])
        >>> float(total)
        10.0
    """
    rows = tf.shape(next(tensor for tensor in tf.nest.flatten(data) if tensor is not None))[0]
    size = tf.maximum((rows + parts - 1) // parts, 1)
    full = rows // size
    has_gradient = [True] * len(variables)
    if static:
        stacked = _map(lambda tensor: _stack(tensor, full, size), data)

    def add(part: Any, total: Any, sums: Sequence[Any]) -> tuple[Any, list[Any]]:
        value, gradients = step(part)
        # Known once the graph of a part is made, and the same for all.
        has_gradient[:] = [gradient is not None for gradient in gradients]
        return total + tf.cast(value, total.dtype), [
            _add(one, gradient) for one, gradient in zip(sums, gradients, strict=True)
        ]

    def body(index: Any, total: Any, sums: Sequence[Any]) -> tuple[Any, Any, list[Any]]:
        if static:
            part = _map(lambda tensor: tensor[index], stacked)
        else:
            part = _map(lambda tensor: tensor[index * size : (index + 1) * size], data)
        return (index + 1, *add(part, total, sums))

    count = full if static else (rows + size - 1) // size
    zeros = [tf.zeros(variable.shape, wide_dtype(variable.dtype)) for variable in variables]
    no_loss = tf.zeros([], "float64" if any(zero.dtype == tf.float64 for zero in zeros) else "float32")
    _, total, sums = tf.while_loop(
        lambda index, *_: index < count,
        body,
        (tf.constant(0), no_loss, zeros),
        parallel_iterations=1,
    )
    if static:
        # Outside of the loop, where it has another shape. XLA drops what is computed on no rows.
        total, sums = add(_map(lambda tensor: tensor[full * size :], data), total, sums)
    return total, [one if known else None for one, known in zip(sums, has_gradient, strict=True)]


def _map(function: Callable[[Any], Any], data: Any) -> Any:
    return tf.nest.map_structure(lambda tensor: None if tensor is None else function(tensor), data)


def _stack(tensor: Any, count: Any, size: Any) -> Any:
    """Makes (count, size, ...) of the first rows of (rows, ...)."""
    shape = tf.concat([[count, size], tf.shape(tensor)[1:]], 0)
    stacked = tf.reshape(tensor[: count * size], shape)
    stacked.set_shape([None, None, *tensor.shape[1:]])
    return stacked


def _add(total: Any, gradient: Any) -> Any:
    if gradient is None:
        return total
    if isinstance(gradient, tf.IndexedSlices):
        values = tf.cast(gradient.values, total.dtype)
        return tf.tensor_scatter_nd_add(total, tf.cast(gradient.indices, tf.int64)[:, None], values)
    return total + tf.cast(gradient, total.dtype)
