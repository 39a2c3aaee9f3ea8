"""Batches of few shapes, as XLA wants them where it compiles anew for each: on a TPU above all."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.graph import as_written

NARROWEST = 32


def bucket_widths(max_length: int) -> tuple[int, ...]:
    """Returns the powers of two from 32 on that are below a longest input, and the longest input.

    Example:
        >>> bucket_widths(200)
        (32, 64, 128, 200)
    """
    return (*(1 << power for power in range(5, 32) if 1 << power < max_length), max_length)


def static_shapes(
    batches: tf.data.Dataset,
    batch_size: int | None,
    widths: Sequence[int],
    pad_token_id: int = 0,
    rows_multiple_of: int = 1,
) -> tf.data.Dataset:
    """Pads batches to one number of rows, or few, and to few widths.

    Rows that are missing become copies of the batch's first row that weigh nothing, and the weights of the others grow
    by `batch_size / rows`. Keras' mean over a batch divides by all its rows, so the loss and the gradient of a batch
    stay what they were; a mean over weights does not change by the factor. Weights by name, as those of a
    `BertPretrainer`, count predictions and keep their size. Metrics that do not look at weights count the copies, too.

    Not for losses that compare the rows of a batch with each other.

    Args:
        batches: As a task's `batches` makes them: `(inputs, targets)` or `(inputs, targets, weights)`; the axis of
            unknown size behind the rows is that of tokens, or of predictions.
        batch_size: Rows a batch; None for batches with several numbers of rows, such as packed ones.
        widths: The widths to choose from, such as those of `bucket_widths`: the narrowest that is wide enough.
        pad_token_id: What the rows of `token_ids` are padded with; all else is padded with 0.
        rows_multiple_of: Without a batch size, rows are filled up to a multiple of this.

    Returns:
        Dataset of `(inputs, targets, weights)`, as many batches. The batch size is part of the specification.

    Raises:
        InputError: No widths, or rows whose number of choices is unknown.

    Example:
        >>> made = static_shapes(model.batches(rows, 32), 32, bucket_widths(128))  # doctest: +SKIP
        >>> made.element_spec[1]  # doctest: +SKIP
        TensorSpec(shape=(32,), dtype=tf.int32, name=None)
    """
    if not widths:
        raise InputError("static_shapes needs at least one width")
    if any(len(_unknown(spec.shape)) > 1 for spec in tf.nest.flatten(batches.element_spec)):
        raise InputError("static_shapes: the rows may differ in their number of choices, which has to be known")
    sizes = tf.constant(sorted(widths))

    def widen(name: str, tensor: tf.Tensor) -> tf.Tensor:
        unknown = _unknown(tensor.shape)
        if not unknown:
            return tensor
        width = tf.shape(tensor)[unknown[0]]
        more = sizes[tf.searchsorted(sizes, width[tf.newaxis])[0]] - width
        paddings = [[0, more if axis in unknown else 0] for axis in range(tensor.shape.rank)]
        return tf.pad(
            tensor, paddings, constant_values=tf.cast(pad_token_id if name == "token_ids" else 0, tensor.dtype)
        )

    def pad(inputs: dict[str, tf.Tensor], targets: Any, weights: Any = None) -> tuple[Any, Any, Any]:
        rows = tf.shape(inputs["token_ids"])[0]
        size = batch_size or -(-rows // rows_multiple_of) * rows_multiple_of
        chosen = tf.where(tf.range(size) < rows, tf.range(size), 0)
        is_row = tf.cast(tf.range(size) < rows, tf.float32)
        factor = 1.0 if isinstance(weights, dict) else tf.cast(size, tf.float32) / tf.cast(rows, tf.float32)
        if weights is None:
            # Class numbers have a loss each, other targets of a row one together.
            weights = tf.ones(tf.shape(targets) if targets.dtype.is_integer else [rows])
            weights.set_shape(targets.shape if targets.dtype.is_integer else [None])

        def fill(tensor: tf.Tensor) -> tf.Tensor:
            filled = tf.gather(tensor, chosen)
            return tf.ensure_shape(filled, [batch_size, *filled.shape[1:]])

        def weigh(tensor: tf.Tensor) -> tf.Tensor:
            filled = fill(widen("", tf.cast(tensor, tf.float32)))
            return filled * tf.reshape(is_row * factor, [-1] + [1] * (filled.shape.rank - 1))

        padded = {name: fill(widen(name, tensor)) for name, tensor in inputs.items()}
        targets = tf.nest.map_structure(lambda tensor: fill(widen("", tensor)), targets)
        return padded, targets, tf.nest.map_structure(weigh, weights)

    return batches.map(as_written(pad), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def _unknown(shape: tf.TensorShape) -> list[int]:
    """The axes behind the rows whose size is unknown."""
    return [axis for axis in range(1, shape.rank) if shape[axis] is None]
