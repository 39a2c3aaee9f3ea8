"""Batches with several examples in a row."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from keras_bert.data.batching.best_fit import best_fit
from keras_bert.data.batching.static_shapes import static_shapes
from keras_bert.graph import as_written
from keras_bert.text.ragged_rows import repeat

Tensors = dict[str, tf.Tensor]


def packed_batches(
    batches: tf.data.Dataset, row_length: int, pad_token_id: int = 0, multiple_of: int = 1
) -> tf.data.Dataset:
    """Packs the examples of each batch into as few rows as best fit finds.

    There are as many batches, and each holds the examples that it held: a training step learns from the same
    predictions, so that its loss and its gradient stay what they were.

    Args:
        batches: One example a row: `(inputs, targets, weights)`. Beside the encoder's inputs those hold the places to
            predict from, int32 (batch, predictions); targets and weights are (batch, predictions), or dicts of one such
            tensor and `next_sentence` (batch,). Of the predictions those with a weight come first.
        row_length: Tokens of a row; where an example is longer, as many as that has.
        pad_token_id: What the rows of `token_ids` are padded with.
        multiple_of: The width of the rows is a multiple of this, but never over `row_length`.

    Returns:
        Dataset of `(inputs, targets, weights)`, for a model whose encoder has `packing`. `padding_mask` numbers the
        examples of each row 1, 2, 3 ...; `cls_positions` int32 (rows, examples), beside `next_sentence`, says where
        each begins. Predictions are (rows, predictions), `next_sentence` (rows, examples); the weights are 0 for slots
        without one.

    Example:
        >>> packed = packed_batches(model.batches(examples, 32), 128)  # doctest: +SKIP
    """

    def pack(inputs: Tensors, targets: Any, weights: Any) -> tuple[Tensors, Any, Any]:
        return _pack(inputs, targets, weights, row_length, pad_token_id, multiple_of)

    return batches.map(as_written(pack), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def static_packed_batches(
    batches: tf.data.Dataset, batch_size: int, row_length: int, pad_token_id: int = 0
) -> tf.data.Dataset:
    """Fills packed batches up to few shapes, for which XLA compiles once each; losses and gradients stay.

    Rows are `row_length` wide, and their number is a multiple of a 32nd of `batch_size`, as is that of predictions and
    examples of a 16th of `row_length`. One number of rows would have to be that of examples, and packing in vain.

    Args:
        batches: As `packed_batches` makes them.
        batch_size: Examples a batch.
        row_length: As there.
        pad_token_id: As there.

    Returns:
        Dataset of `(inputs, targets, weights)`; see `keras_bert.data.static_shapes`.
    """
    fill = {"token_ids": pad_token_id, "segment_ids": 0, "padding_mask": 0}

    def widen(inputs: Tensors, *more: Tensors) -> tuple[Tensors, ...]:
        by = [[0, 0], [0, tf.maximum(row_length - tf.shape(inputs["token_ids"])[1], 0)]]
        wide = {name: tf.pad(inputs[name], by, constant_values=value) for name, value in fill.items()}
        return {**inputs, **wide}, *more

    step = -(-row_length // 16)
    widths = (*range(step, row_length, step), row_length)
    wide = batches.map(as_written(widen), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return static_shapes(wide, None, widths, pad_token_id, rows_multiple_of=-(-batch_size // 32))


def _pack(
    inputs: Tensors, targets: Any, weights: Any, row_length: int, pad_token_id: int, multiple_of: int
) -> tuple[Tensors, Any, Any]:
    """Packs one batch; see `packed_batches`."""
    if not isinstance(targets, Mapping):
        packed, *of_words = _pack(inputs, {"": targets}, {"": weights}, row_length, pad_token_id, multiple_of)
        return packed, *(values[""] for values in of_words)
    lengths = tf.reduce_sum(inputs["padding_mask"], axis=1)
    longest = tf.maximum(tf.reduce_max(lengths), row_length)
    row_of = best_fit(lengths, longest)
    # From here on the examples stand in the order of their rows.
    order = tf.argsort(row_of, stable=True)
    row_of, lengths, inputs, targets, weights = tf.nest.map_structure(
        lambda tensor: tf.gather(tensor, order), (row_of, lengths, inputs, targets, weights)
    )
    ones = tf.ones_like(lengths)
    in_row = tf.math.segment_sum(ones, row_of)
    first = repeat(tf.cumsum(in_row, exclusive=True), in_row)  # which example each one's row begins with
    numbers = tf.range(tf.size(order)) - first + 1
    before = tf.cumsum(lengths, exclusive=True)
    starts = before - tf.gather(before, first)
    (words,) = set(targets) - {"next_sentence"}
    (places,) = set(inputs) - {"token_ids", "segment_ids", "padding_mask"}
    predictions = tf.cast(tf.math.count_nonzero(weights[words], axis=1), tf.int32)

    def join(values: tf.Tensor, counts: tf.Tensor, width: Any = None, padding: Any = 0) -> tf.Tensor:
        """Puts the first `counts` values of each example, (examples, ...), side by side: (rows, width)."""
        kept = tf.boolean_mask(values, tf.sequence_mask(counts, tf.shape(values)[1]))
        of_rows = tf.math.segment_sum(counts, row_of)
        shape = tf.stack([-1, tf.maximum(tf.reduce_max(of_rows), 1) if width is None else width])
        return tf.RaggedTensor.from_row_lengths(kept, of_rows, validate=False).to_tensor(
            tf.cast(padding, values.dtype), shape=shape
        )

    fullest = tf.reduce_max(tf.math.segment_sum(lengths, row_of))
    width = tf.minimum(-(-fullest // multiple_of) * multiple_of, longest)
    packed = {
        "token_ids": join(inputs["token_ids"], lengths, width, pad_token_id),
        "segment_ids": join(inputs["segment_ids"], lengths, width),
        "padding_mask": join(inputs["padding_mask"] * numbers[:, None], lengths, width),
        places: join(inputs[places] + starts[:, None], predictions),
    }
    if "next_sentence" in targets:
        packed["cls_positions"] = join(starts[:, None], ones)
    counts = {words: predictions, "next_sentence": ones}

    def of_rows(values: Tensors) -> Tensors:
        matrix = {name: tensor if tensor.shape.rank == 2 else tensor[:, None] for name, tensor in values.items()}
        return {name: join(tensor, counts[name]) for name, tensor in matrix.items()}

    return packed, of_rows(targets), of_rows(weights)
