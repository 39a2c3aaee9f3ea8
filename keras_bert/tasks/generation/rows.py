"""Rows with a source and a target as inputs of a model that writes."""

from typing import Any

import tensorflow as tf

from keras_bert.text.token_layer import TokenLayer

Tensors = dict[str, Any]


def source_rows(tokenizer: TokenLayer, text: Any, room: int) -> tf.RaggedTensor:
    """Returns `[CLS] text [SEP]`, cut to `room` tokens: int32 (batch, (tokens))."""
    pieces = tokenizer(text)[:, : room - 2]
    rows = pieces.nrows()
    return tf.concat(
        [tf.fill([rows, 1], tokenizer.cls_token_id), pieces, tf.fill([rows, 1], tokenizer.sep_token_id)], 1
    )


def prompt_rows(tokenizer: TokenLayer, text: Any, room: int) -> tf.RaggedTensor:
    """Returns `[CLS] text`, of longer texts the last `room` tokens: int32 (batch, (tokens))."""
    pieces = tokenizer(text)[:, -(room - 1) :]
    return tf.concat([tf.fill([pieces.nrows(), 1], tokenizer.cls_token_id), pieces], 1)


def as_inputs(source: tf.RaggedTensor, segment_ids: tf.RaggedTensor | None, pad_token_id: int) -> Tensors:
    """Pads rows of any length to the encoder's inputs: int32 (batch, tokens).

    Args:
        source: int32 (batch, (tokens)).
        segment_ids: Likewise; None: all 0.
        pad_token_id: What rows are padded with.
    """
    lengths = tf.cast(source.row_lengths(), tf.int32)
    width = tf.maximum(tf.reduce_max(lengths), 1)  # of no rows the maximum is the lowest integer
    shape = tf.stack([tf.size(lengths), width])
    token_ids = source.to_tensor(pad_token_id, shape=shape)
    return {
        "token_ids": token_ids,
        "segment_ids": tf.zeros_like(token_ids) if segment_ids is None else segment_ids.to_tensor(shape=shape),
        "padding_mask": tf.sequence_mask(lengths, width, tf.int32),
    }


def teacher_rows(
    tokenizer: TokenLayer, text: Any, target: Any, max_source: int, max_target: int
) -> tuple[Tensors, tf.RaggedTensor, tf.RaggedTensor]:
    """Makes rows whose every target token is to be predicted from what stands before it.

    A row is `[CLS] source [SEP] target`, segments 0 and 1. The prediction after the last token is `[SEP]`, but for
    targets that were cut: they have no end, or the model would learn to end early.

    Args:
        tokenizer: The tokenizer.
        text: Sources, string (batch,).
        target: Targets, string (batch,).
        max_source: Tokens of a source at most, `[CLS]` and `[SEP]` included.
        max_target: Tokens of a target at most, its end included.

    Returns:
        `token_ids`, `segment_ids` and `target_positions`, the places to predict from; the targets; their weights, 1.
        All ragged (batch, (...)), int32, the weights float32.
    """
    source = source_rows(tokenizer, text, max_source)
    whole = tokenizer(target)
    cut = whole[:, : max_target - 1]
    is_whole = cut.row_lengths() == whole.row_lengths()
    end = tf.RaggedTensor.from_row_lengths(
        tf.fill([tf.math.count_nonzero(is_whole)], tokenizer.sep_token_id), tf.cast(is_whole, tf.int64), validate=False
    )
    targets = tf.concat([cut, end], 1)
    first = source.row_lengths() - 1
    positions = tf.cast(tf.ragged.range(first, first + targets.row_lengths()), tf.int32)
    inputs = {
        "token_ids": tf.concat([source, cut], 1),
        "segment_ids": tf.concat([tf.zeros_like(source), tf.ones_like(cut)], 1),
        "target_positions": positions,
    }
    return inputs, targets, tf.ones_like(targets, tf.float32)


def seeds_of(text: Any, seed: Any) -> tf.Tensor:
    """Makes the seeds of rows from their texts and a number, so that a row's neighbours and place change nothing.

    Args:
        text: string (batch,).
        seed: int32 () or (batch,).

    Returns:
        int32 (batch, 2).
    """
    of_text = tf.cast(tf.strings.to_hash_bucket_fast(text, 2**31 - 1), tf.int32)
    return tf.stack([of_text, tf.broadcast_to(tf.cast(seed, tf.int32), tf.shape(of_text))], axis=1)
