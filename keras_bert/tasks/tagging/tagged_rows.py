"""From rows of tagged words to windows of tokens with a label for each piece."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf

from keras_bert.data.tags.tag_rows import tag_rows
from keras_bert.errors import InputError
from keras_bert.tasks.tagging.tag_set import TagSet
from keras_bert.tasks.tagging.windows import TokenWindows, cut_into_windows
from keras_bert.text.alignment import Alignment, Pieces, align, cut_into_pieces
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.ragged_rows import row_ids

# Rows tokenized at once.
_ROWS = 8192


@dataclasses.dataclass(frozen=True, eq=False)
class TaggedRows:
    """How rows of tagged words become windows.

    Attributes:
        preprocessor: The model's; its `max_length` is that of a window.
        tags: The model's labels.
        stride: Tokens from the begin of one window to that of the next; None: half a window.
        pieces: What the loss counts: the `first` piece of each word, or `all` of them.
        document_context: In rows that say which document they are of, the neighbours of a row are its context.
        word_separator: What stands between the words of a text.
    """

    preprocessor: BertPreprocessor
    tags: TagSet
    stride: int | None
    pieces: str
    document_context: bool
    word_separator: str

    def read(self, given: Any) -> tf.data.Dataset:
        """Makes rows of tagged words of whatever a caller has; those that `keras_bert.data.read_tags` made stay.

        Raises:
            InputError: It is something else; says what to pass.
        """
        if isinstance(given, tf.data.Dataset):
            check_labelled(given)
            return given
        # Labels that were learnt as they were are no others in these rows.
        scheme = self.tags.scheme if self.tags.scheme in ("plain", "IO") else "auto"
        return tag_rows(given, scheme=scheme, labels=self.tags.row_labels, separator=self.word_separator)

    def features(self, rows: Mapping[str, Any]) -> tuple[Any, ...]:
        """Turns a batch of rows into windows: `(inputs,)`, or `(inputs, targets, weights)`.

        See `BertTokenClassifier.features`.
        """
        pieces, windows = self.cut(rows)
        if "label" not in rows:
            return (windows.inputs,)
        targets, weights = self.piece_targets(rows, pieces, self.align(rows, pieces))
        at = windows.piece
        known = tf.maximum(at.values, 0)
        number = tf.cast(row_ids(at.row_splits), tf.int32)
        counts = (at.values >= 0) & (tf.gather(_padded(windows.window, -1), known) == number)
        own = tf.where(counts, tf.gather(_padded(weights, 0.0), known), 0.0)
        target = tf.where(at.values >= 0, tf.gather(_padded(targets, 0), known), 0)
        return windows.inputs, at.with_values(target), at.with_values(own)

    def all_windows(self, rows: tf.data.Dataset) -> dict[str, tf.RaggedTensor]:
        """Makes the windows of all labelled rows: the model's inputs, `target` and `weight`.

        Raises:
            InputError: There are no rows.
        """
        parts = [self.features(chunk) for chunk in self.chunks(rows)]
        if not parts:
            raise InputError("there are no rows to make batches of")

        def join(*tensors: Any) -> Any:
            return tf.concat(tensors, 0)

        inputs, targets, weights = (tf.nest.map_structure(join, *part) for part in zip(*parts, strict=True))
        return {**inputs, "target": targets, "weight": weights}

    def chunks(self, rows: tf.data.Dataset) -> Iterator[dict[str, Any]]:
        """Yields rows some at a time; all at once where they are each other's context."""
        count = int(rows.cardinality()) if self.document_context else _ROWS
        yield from rows.ragged_batch(max(count, 1))

    def cut(self, rows: Mapping[str, Any]) -> tuple[Pieces, TokenWindows]:
        """Cuts the texts of rows into pieces, and these into windows."""
        pieces = cut_into_pieces(self.preprocessor.tokenizer, rows["text"])
        documents = rows["document"] if self.document_context and "document" in rows else None
        stride = self.stride or max(1, (self.preprocessor.max_length - 2) // 2)
        return pieces, cut_into_windows(pieces.ids, self.preprocessor, stride, documents)

    def align(self, rows: Mapping[str, Any], pieces: Pieces) -> Alignment:
        """Finds the pieces of the words that rows name."""
        return align(pieces, ragged(rows["starts"]), ragged(rows["ends"]))

    def piece_targets(self, rows: Mapping[str, Any], pieces: Pieces, alignment: Alignment) -> tuple[Any, Any]:
        """Returns the label of each piece, int32 (pieces,), and whether it counts, float32 (pieces,)."""
        of_words = self.tags.numbers(ragged(rows["label"]))
        label = tf.gather(_padded(of_words, 0), tf.maximum(alignment.word, 0))
        inner = tf.gather(tf.constant(self.tags.inner), label)
        counts = alignment.word >= 0
        if self.pieces == "first":
            counts &= pieces.begins_word
        return tf.where(alignment.is_first, label, inner), tf.cast(counts, tf.float32)


def check_labelled(rows: tf.data.Dataset) -> None:
    """Refuses rows without labelled words; an `InputError`."""
    spec = rows.element_spec
    missing = {"text", "starts", "ends", "label"} - set(spec if isinstance(spec, dict) else ())
    if missing:
        raise InputError(f"the rows have no {', '.join(sorted(missing))}: read them with keras_bert.data.read_tags")


def ragged(rows: Any) -> tf.RaggedTensor:
    """Makes ragged rows also of rows that are all of one length, which come as a tensor."""
    return rows if isinstance(rows, tf.RaggedTensor) else tf.RaggedTensor.from_tensor(rows)


def _padded(values: tf.Tensor, value: Any) -> tf.Tensor:
    """Adds a value, so that there is one to gather where there are none."""
    return tf.concat([values, tf.constant([value], values.dtype)], 0)
