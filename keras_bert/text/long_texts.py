"""Texts that are longer than a model reads at once: their end is cut off, or their middle, or they become windows."""

import dataclasses
from typing import Any

import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.text.ragged_rows import row_ids, splits_of
from keras_bert.text.windows import Windows, sliding_windows

CUT, HEAD_TAIL, WINDOWS = LONG_TEXTS = ("cut", "head_tail", "windows")

HEAD_SHARE = 0.25
"""Of the tokens that are kept: 128 of 510, as Sun et al. 2019, arXiv:1905.05583, section 5.3.1, have it."""

STRIDE_SHARE = 0.75
"""Of a window: 150 of 200 tokens, as Pappagari et al. 2019, arXiv:1910.10781, section 4.2, have it."""

MAX_WINDOWS = 8


@dataclasses.dataclass(frozen=True)
class LongTexts:
    """What becomes of a text that is too long.

    Attributes:
        how: `"cut"`, `"head_tail"` or `"windows"`.
        head_tokens: For `"head_tail"`: tokens from the begin of a text that is shortened, a number, or a share of those
            kept that is rounded up; the others are from its end. None: a quarter.
        window_stride: For `"windows"`: tokens from the begin of a window to that of the next; None: three quarters of
            one.
        max_windows: For `"windows"`: windows of a text at most, its first ones; None: 8.

    Raises:
        InputError: A number is out of its range, or of another way than `how`.
    """

    how: str = CUT
    head_tokens: float | None = None
    window_stride: int | None = None
    max_windows: int | None = None

    def __post_init__(self) -> None:
        if self.how not in LONG_TEXTS:
            raise InputError(f"long_texts is {self.how!r}; it must be one of {', '.join(LONG_TEXTS)}")
        for name, way in (("head_tokens", HEAD_TAIL), ("window_stride", WINDOWS), ("max_windows", WINDOWS)):
            value = getattr(self, name)
            if value is None:
                continue
            if self.how != way:
                raise InputError(f"{name} is for long_texts={way!r}, here it is {self.how!r}")
            if name == "head_tokens" and 0 < value < 1:
                continue
            if value < 1 or value != int(value):
                share = " or a share between 0 and 1" if name == "head_tokens" else ""
                raise InputError(f"{name} is {value}; it must be a whole number, 1 or more{share}")

    def check_room(self, max_length: int) -> None:
        """Refuses numbers of tokens that rows of `max_length` have no room for, an `InputError`."""
        for name in ("head_tokens", "window_stride"):
            value = getattr(self, name)
            if value is not None and value > max_length - 2:
                raise InputError(f"{name} is {value}; max_length={max_length} has room for {max_length - 2} tokens")

    @property
    def settings(self) -> dict[str, Any]:
        """What is saved with a model: all that is not as ever."""
        named = {"long_texts": self.how if self.how != CUT else None, "head_tokens": self.head_tokens}
        named |= {"window_stride": self.window_stride, "max_windows": self.max_windows}
        return {name: value for name, value in named.items() if value is not None}

    @property
    def most_windows(self) -> int:
        """Windows of a text at most."""
        return (self.max_windows or MAX_WINDOWS) if self.how == WINDOWS else 1

    def shortened(self, rows: tf.RaggedTensor, kept: tf.Tensor) -> tf.RaggedTensor:
        """Takes the head and the tail of each row; with `"cut"` gives the rows as they are, whose heads are read.

        Args:
            rows: int32 (rows, (tokens)).
            kept: int64 (rows,), how many tokens of each are kept, at most all.

        Example:
            >>> LongTexts("head_tail").shortened(tf.ragged.constant([[1, 2, 3, 4, 5, 6]]), tf.constant([4])).to_list()
            [[1, 4, 5, 6]]
        """
        if self.how != HEAD_TAIL:
            return rows
        head = self.head_tokens or HEAD_SHARE
        if head < 1:
            heads = tf.cast(tf.math.ceil(tf.cast(kept, tf.float64) * head), kept.dtype)
        else:
            heads = tf.minimum(tf.cast(int(head), kept.dtype), kept)
        places = tf.ragged.range(kept)
        row = row_ids(places.row_splits)
        lengths = tf.cast(rows.row_lengths(), kept.dtype)
        left_out = tf.where(places.values >= tf.gather(heads, row), tf.gather(lengths - kept, row), 0)
        at = places.values + left_out + tf.cast(tf.gather(rows.row_starts(), row), kept.dtype)
        return places.with_values(tf.gather(rows.values, at))

    def windows(self, lengths: Any, size: Any) -> Windows:
        """Cuts rows into windows, of which those beyond the most are left out.

        Args:
            lengths: int (rows,), tokens of each row.
            size: int (rows,), tokens of a window of each.
        """
        size = tf.broadcast_to(tf.cast(size, tf.int32), tf.shape(lengths))
        if self.window_stride is None:
            stride = tf.cast(tf.math.ceil(tf.cast(size, tf.float64) * STRIDE_SHARE), tf.int32)
        else:
            stride = tf.minimum(size, self.window_stride)
        windows = sliding_windows(lengths, size, stride)
        is_kept = windows.start < tf.gather(stride, windows.row) * self.most_windows
        return Windows(*(tf.boolean_mask(each, is_kept) for each in windows))


def group_windows(packed: dict[str, tf.RaggedTensor], row: tf.Tensor, rows: tf.Tensor) -> dict[str, tf.RaggedTensor]:
    """Puts the windows of a row one after the other, as the batcher takes them: its length is that of all of them.

    Args:
        packed: `token_ids` and `segment_ids`, ragged int32 (windows, (tokens)).
        row: int32 (windows,), the row that each is of, rising; each row has one at least.
        rows: How many rows there are, int32 ().

    Returns:
        Both of them, ragged (rows, (tokens)), and `lengths`, ragged int64 (rows, (windows)).
    """
    lengths = packed["token_ids"].row_lengths()
    counts = tf.math.unsorted_segment_sum(tf.ones_like(lengths), row, rows)
    splits = splits_of(counts)
    grouped = {
        name: tf.RaggedTensor.from_row_splits(ragged.values, tf.gather(ragged.row_splits, splits), validate=False)
        for name, ragged in packed.items()
    }
    return {**grouped, "lengths": tf.RaggedTensor.from_row_splits(lengths, splits, validate=False)}
