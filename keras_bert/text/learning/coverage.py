"""How well a vocabulary covers text: unknown words, pieces per word."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.learning.word_counts import WordCounts
from keras_bert.text.ragged_rows import row_ids
from keras_bert.text.token_layer import TokenLayer

_MOST_UNKNOWN = 100_000  # different unknown words that are kept at a time


class Coverage:
    """Measures a tokenizer on text, batch by batch.

    Words are what the tokenizer cuts into pieces: between blanks and punctuation for WordPiece, with the blank before
    and white space included for byte-level BPE, so that pieces per word compare within one algorithm only.

    Args:
        tokenizer: a `BertTokenizer` or a `BytePairTokenizer`.

    Example:
        >>> from keras_bert.text.word_piece.tokenizer import BertTokenizer
        >>> coverage = Coverage(BertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "bre", "##ad"]))
        >>> coverage.add(["The bread", "the film"])
        >>> report = coverage.report()
        >>> report["words"], report["pieces"], report["unknown_rate"], report["most_frequent_unknown"]
        (4, 5, 0.25, {'film': 1})
    """

    def __init__(self, tokenizer: TokenLayer):
        self.tokenizer = tokenizer
        algorithm = "bpe" if isinstance(tokenizer, BytePairTokenizer) else "wordpiece"
        self._words = WordCounts(algorithm, tokenizer.lowercase, tokenizer.strip_accents, most_words=_MOST_UNKNOWN)
        self._lines = self._characters = self._pieces = self._unknown = 0
        self._unknown_words: Counter[bytes] = Counter()

    def add(self, lines: Sequence[str | bytes]) -> None:
        """Measures some lines."""
        text = tf.constant(lines, tf.string)
        self._words.add(lines)
        self._lines += len(lines)
        self._characters += int(tf.reduce_sum(tf.strings.length(text, "UTF8_CHAR")))
        ids, starts, ends = self.tokenizer.tokenize_with_offsets(text)
        self._pieces += int(tf.size(ids.values))
        unknown = ids.values == self.tokenizer.unk_token_id
        rows, starts, ends = (
            tf.boolean_mask(values, unknown) for values in (row_ids(ids.row_splits), starts.values, ends.values)
        )
        self._unknown += int(tf.size(rows))
        self._unknown_words.update(tf.strings.substr(tf.gather(text, rows), starts, ends - starts).numpy().tolist())
        if len(self._unknown_words) > _MOST_UNKNOWN:
            self._unknown_words = Counter(dict(self._unknown_words.most_common(_MOST_UNKNOWN // 2)))

    def report(self, unknown: int = 10) -> dict[str, Any]:
        """Gives the figures.

        Args:
            unknown: of so many of the most frequent unknown words to give the counts.

        Returns:
            `lines`, `characters`, `words`, `pieces`, `unknown_words`; `unknown_rate`, unknown words of all words;
            `pieces_per_word`; `characters_per_piece`; `most_frequent_unknown`, as they stand in the text.
        """
        ranked = sorted(self._unknown_words.items(), key=lambda item: (-item[1], item[0]))[:unknown]
        return {
            "lines": self._lines,
            "characters": self._characters,
            "words": self._words.total,
            "pieces": self._pieces,
            "unknown_words": self._unknown,
            "unknown_rate": self._unknown / max(self._words.total, 1),
            "pieces_per_word": self._pieces / max(self._words.total, 1),
            "characters_per_piece": self._characters / max(self._pieces, 1),
            "most_frequent_unknown": {word.decode("utf-8", "replace"): count for word, count in ranked},
        }
