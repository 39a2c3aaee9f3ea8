"""Cuts texts at what a pattern finds, in the graph."""

from typing import NamedTuple

import tensorflow as tf
import tensorflow_text as tf_text

from keras_bert.text.ragged_rows import row_ids, splits_of

WHITE_SPACE = r"\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
"""Unicode's White_Space, the inside of a character class: white space of the `tokenizers` library; RE2's is ASCII."""


class Parts(NamedTuple):
    """The parts of some texts: string, and int64 the text that each is from, its first byte and the one behind it."""

    texts: tf.Tensor
    rows: tf.Tensor
    starts: tf.Tensor
    ends: tf.Tensor
    row_splits: tf.Tensor


def split_at(text: tf.Tensor, pattern: str) -> Parts:
    """Cuts texts into what a pattern finds and what is between; put together again they are the texts.

    Args:
        text: string (batch,).
        pattern: in the words of RE2; must not tell U+0000 from U+0001.
    """
    # To tensorflow-text's op a text ends at a NUL.
    visible = tf.strings.regex_replace(text, r"\x00", "\x01")
    found, starts, ends = tf_text.regex_split_with_offsets(visible, pattern, pattern)
    rows, starts, ends = row_ids(found.row_splits), starts.values, ends.values
    count = tf.size(rows)

    def again() -> tf.Tensor:
        # Not by tf.strings.substr, which needs a copy of the text for each part.
        return tf.strings.unsorted_segment_join(
            tf.strings.bytes_split(text).values, row_ids(splits_of(ends - starts)), count
        )

    texts = tf.cond(tf.reduce_any(visible != text), again, lambda: found.values)
    return Parts(texts, rows, starts, ends, found.row_splits)
