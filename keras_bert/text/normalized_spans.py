"""Places in normalized text as places in the text itself."""

import tensorflow as tf


def original_spans(
    offsets: tf.RaggedTensor, rows: tf.Tensor, starts: tf.Tensor, ends: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Finds where spans of normalized text stand in the original.

    Args:
        offsets: int (batch, (bytes + 1)), what `normalize_with_offsets` gives: for each byte of the normalized text the
            first byte of its character in the original, and one more entry for the end.
        rows: int64 (spans,), the text that each span is of.
        starts: int (spans,), bytes in the normalized text.
        ends: int (spans,), behind `starts`.

    Returns:
        starts, ends: int64 (spans,), bytes in the original; whole characters, with those after that were dropped.
    """
    origin = tf.gather(offsets.row_splits, rows)
    # A span ends where the character after that of its last byte begins; all bytes of what one character became have
    # the same place, so "the next byte" will not do.
    places = offsets.values
    begins = tf.concat([[True], places[1:] != places[:-1]], 0)[: tf.size(places)]
    character = tf.cumsum(tf.cast(begins, tf.int64)) - 1
    character_places = tf.boolean_mask(places, begins)
    first = tf.gather(places, origin + tf.cast(starts, tf.int64))
    last_byte = origin + tf.cast(ends, tf.int64) - 1
    behind = tf.gather(character_places, tf.gather(character, last_byte) + 1)
    return tf.cast(first, tf.int64), tf.cast(behind, tf.int64)
