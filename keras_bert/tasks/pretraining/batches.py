"""From pre-training examples to batches: segments, padding, masks, targets, weights."""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from keras_bert.data.batching.batches import batches, shuffled
from keras_bert.data.pretraining.record_stream import RecordStream
from keras_bert.errors import InputError
from keras_bert.graph import as_written
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.ragged_rows import row_ids

Masker = Callable[[Mapping[str, Any], Any], dict[str, tf.Tensor]]

# Turns the seed of the batches into that of the masks, so that the two draw different numbers.
_MASK_SEED = 0x6D61736B

INPUTS = ("token_ids", "segment_ids", "padding_mask", "mask_positions")


def pretraining_batches(
    examples: tf.data.Dataset | RecordStream,
    preprocessor: BertPreprocessor,
    masker: Masker,
    next_sentence: bool,
    batch_size: int,
    shuffle: bool = False,
    seed: int = 0,
    drop_remainder: bool = False,
    mix_lengths: bool = False,
    words: str = "masked_lm",
    begin: int = 0,
) -> tf.data.Dataset:
    """Makes the batches that a `BertPretrainer` takes, of examples of like length.

    Args:
        examples: Dicts of int: `token_ids` (tokens,), `first_length` () (tokens of the first text),
            `next_sentence_label` () where next sentences are learned, `first_segment` () where the first text is not of
            segment 0, `mask_positions` and `mask_labels` (predictions,) where the masks are made already.
        preprocessor: Pads.
        masker: Makes the masks of examples that have none, with a new seed for each batch.
        next_sentence: Whether the targets hold the next-sentence label.
        batch_size: Examples a batch; the last one may be smaller.
        shuffle: In another order, and with other masks, in every epoch.
        seed: The same seed gives the same batches and masks.
        drop_remainder: Leave out the examples that do not fill a batch.
        mix_lengths: Short and long examples in each batch, as packing wants them.
        words: The name of the words' targets and weights.
        begin: The first batch to make; those before it are left out.

    Returns:
        Dataset of `(inputs, targets, weights)`, all dicts: the inputs int32 (batch, tokens), `mask_positions`
        int32 (batch, predictions); of the words: target int32 and weight float32 (batch, predictions), 0 for slots
        without a prediction; `next_sentence`: target int32 and weight float32 (batch,).

    Raises:
        InputError: The examples lack something.
    """
    given = set(examples.element_spec)
    missing = {"token_ids", "first_length"} - given
    if next_sentence:
        missing |= {"next_sentence_label"} - given
    if missing:
        way_out = "; pre-train without next sentences (next_sentence=False)" if "next_sentence_label" in missing else ""
        raise InputError(f"the examples have no {', '.join(sorted(missing))}{way_out}")
    if mix_lengths and shuffle:
        examples = examples.shuffled(seed) if isinstance(examples, RecordStream) else shuffled(examples, seed)
    rows = batches(
        examples,
        lambda rows: _inputs_and_labels(rows, next_sentence, preprocessor.max_length),
        lambda inputs: {**preprocessor.pad(inputs), **_dense_masks(inputs)},
        batch_size,
        shuffle=shuffle and not mix_lengths,
        keep_order=mix_lengths,
        seed=seed,
        drop_remainder=drop_remainder,
        begin=begin,
    )
    # New masks in each epoch; the same in each, where the order is: there losses are compared.
    seeds = tf.data.Dataset.random(seed=seed ^ _MASK_SEED, rerandomize_each_iteration=shuffle).batch(2).skip(begin)

    def finish(batch: tuple, seed: tf.Tensor) -> tuple:
        inputs, labels = batch
        if "mask_positions" not in inputs:
            inputs = masker(inputs, seed)
        targets = {words: inputs["mask_labels"]}
        weights = {words: inputs["mask_weights"]}
        if next_sentence:
            targets["next_sentence"] = labels["next_sentence"]
            # Of examples with a mask of UniLM's other than the bidirectional one there is none to learn.
            weights["next_sentence"] = tf.cast(inputs["segment_ids"][:, 0] < 2, tf.float32)
        return {name: inputs[name] for name in INPUTS}, targets, weights

    result = tf.data.Dataset.zip(rows, seeds).map(
        as_written(finish), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    return result.prefetch(tf.data.AUTOTUNE)


def _inputs_and_labels(rows: Mapping[str, Any], next_sentence: bool, max_length: int) -> tuple[dict, dict]:
    """Turns a window of examples into ragged inputs, segments included, and labels."""
    token_ids = _ragged(rows["token_ids"])
    lengths = token_ids.row_lengths()
    longest = tf.maximum(tf.reduce_max(lengths), 0)
    too_long = f"an example is longer than the model's max_length={max_length}, in tokens:"
    with tf.control_dependencies([tf.debugging.Assert(longest <= max_length, [too_long, longest])]):
        rowids = row_ids(token_ids.row_splits)
    place = tf.range(tf.size(rowids, tf.int64)) - tf.gather(token_ids.row_starts(), rowids)
    second = place >= tf.gather(tf.cast(rows["first_length"], tf.int64), rowids)
    segments = tf.cast(second, tf.int32)
    if "first_segment" in rows:
        segments += tf.gather(tf.cast(rows["first_segment"], tf.int32), rowids)
    inputs = {"token_ids": token_ids, "segment_ids": token_ids.with_values(segments)}
    for name in ("mask_positions", "mask_labels"):
        if name in rows:
            inputs[name] = _ragged(rows[name])
    # One entry a row even where there is nothing to tell: the batcher takes rows of both.
    labels = rows["next_sentence_label"] if next_sentence else rows["first_length"]
    return inputs, {"next_sentence": tf.cast(labels, tf.int32)}


def _ragged(rows: Any) -> tf.RaggedTensor:
    """Makes int32 ragged rows also of rows that are all of one length, which come as a tensor."""
    return tf.cast(rows if isinstance(rows, tf.RaggedTensor) else tf.RaggedTensor.from_tensor(rows), tf.int32)


def _dense_masks(inputs: Mapping[str, tf.RaggedTensor]) -> dict[str, tf.Tensor]:
    """Pads the masks that examples bring, at least one slot wide."""
    if "mask_positions" not in inputs:
        return {}
    counts = inputs["mask_positions"].row_lengths()
    width = tf.maximum(tf.reduce_max(counts), 1)
    shape = tf.stack([-1, width])
    return {
        "mask_positions": inputs["mask_positions"].to_tensor(0, shape=shape),
        "mask_labels": inputs["mask_labels"].to_tensor(0, shape=shape),
        "mask_weights": tf.cast(tf.range(width) < counts[:, None], tf.float32),
    }
