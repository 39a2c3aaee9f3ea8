"""Labels for words that are given: those of labelled rows, and texts that are split already."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.data.tags.tagged_text import join_words
from keras_bert.errors import InputError
from keras_bert.tasks.tagging.tagged_rows import TaggedRows, ragged
from keras_bert.tasks.tagging.windows import run_by_length
from keras_bert.text.alignment import Alignment, Pieces
from keras_bert.text.ragged_rows import row_ids


@dataclasses.dataclass(frozen=True, eq=False)
class GivenWords:
    """How given words get their labels: each that of its first piece, in the likeliest sequence.

    Attributes:
        source: How rows become windows.
        forward: The model, from its inputs (windows, tokens) to logits (windows, tokens, labels).
        constrained: See `BertTokenClassifier`.
        batch_size: Windows at a time.
    """

    source: TaggedRows
    forward: Callable[[Mapping[str, tf.Tensor]], tf.Tensor]
    constrained: bool
    batch_size: int

    def predict(self, rows: Any) -> tuple[list[list[str]], list[list[str]], np.ndarray]:
        """Labels the words of labelled rows.

        Args:
            rows: As `TaggedRows.read` takes them.

        Returns:
            The labels given and the true ones, of each row; and the loss of each piece that counts, float32 (pieces,).

        Raises:
            InputError: There are no rows, or they have no labelled words.
        """
        rows = self.source.read(rows)
        predicted: list[list[str]] = []
        targets: list[list[str]] = []
        losses = []
        for chunk in self.source.chunks(rows):
            log_probabilities, pieces, alignment = self._log_probabilities(chunk)
            wanted, weights = (tensor.numpy() for tensor in self.source.piece_targets(chunk, pieces, alignment))
            counted = np.flatnonzero(weights)
            losses.append(-log_probabilities[counted, wanted[counted]])
            tags = ragged(chunk["label"])
            given = self._label(log_probabilities, alignment.first_piece, tags)
            predicted += [[self.source.tags.names[label] for label in row] for row in given.to_list()]
            targets += [[tag.decode() for tag in row] for row in tags.to_list()]
        if not targets:
            raise InputError("there are no rows to evaluate")
        return predicted, targets, np.concatenate(losses)

    def answer(self, rows: list[list[str]]) -> list[list[dict[str, Any]]]:
        """Finds the entities of texts that are split into words.

        Args:
            rows: The words of each text.

        Returns:
            For each text its entities: `text`, `label`, `score`, and `start` and `end` in words.
        """
        if not rows:
            return []
        separator = self.source.word_separator
        texts = [
            join_words([word.encode("utf-8", "surrogatepass") for word in row], [], separator.encode(), 0)
            for row in rows
        ]
        counts = [len(row) for row in rows]
        starts, ends = (
            tf.RaggedTensor.from_row_lengths(np.concatenate([getattr(text, name) for text in texts]), counts)
            for name in ("starts", "ends")
        )
        chunk = {"text": tf.constant([text.text for text in texts]), "starts": starts, "ends": ends}
        log_probabilities, _, alignment = self._log_probabilities(chunk)
        labels = self._label(log_probabilities, alignment.first_piece, starts)
        piece = alignment.first_piece.numpy()
        told = np.exp(log_probabilities[np.maximum(piece, 0), labels.values.numpy()]) if len(log_probabilities) else 0.0
        scores = labels.with_values(np.where(piece >= 0, told, np.nan).astype(np.float32))
        return [
            [
                {
                    "text": separator.join(row[start:end]),
                    "label": type_,
                    "score": _mean_score(score[start:end]),
                    "start": start,
                    "end": end,
                }
                for start, end, type_ in self.source.tags.entities(numbers)
            ]
            for row, numbers, score in zip(rows, labels.to_list(), scores.to_list(), strict=True)
        ]

    def _log_probabilities(self, chunk: Mapping[str, Any]) -> tuple[np.ndarray, Pieces, Alignment]:
        """Returns those of each piece, float32 (pieces, labels); the pieces, and whose they are."""
        pieces, windows = self.source.cut(chunk)
        logits = run_by_length(self.forward, windows, self.source.preprocessor, self.batch_size)
        return tf.nn.log_softmax(logits).numpy(), pieces, self.source.align(chunk, pieces)

    def _label(self, log_probabilities: np.ndarray, first_piece: tf.Tensor, words: tf.RaggedTensor) -> tf.RaggedTensor:
        """Labels words; one that no piece tells of goes on with the word before it, or is outside (`O`)."""
        tags = self.source.tags
        told = first_piece >= 0
        row = tf.boolean_mask(row_ids(words.row_splits), told)
        scores = tf.gather(log_probabilities, tf.boolean_mask(first_piece, told))
        by_row = tf.RaggedTensor.from_value_rowids(scores, row, words.nrows())
        rows = row_ids(words.row_splits).numpy()
        labels = np.full(len(rows), tags.outside, np.int32)
        labels[told.numpy()] = tags.decode(by_row, self.constrained).numpy()
        for word in np.flatnonzero(~told.numpy()):
            if word and rows[word] == rows[word - 1]:
                labels[word] = tags.inner[labels[word - 1]]
        return words.with_values(labels)


def _mean_score(scores: list[float]) -> float:
    """Returns the mean of the probabilities of words, those aside that have none (NaN); 0 where none has."""
    told = [score for score in scores if not np.isnan(score)]
    return float(np.mean(told)) if told else 0.0
