"""Counts the words of a corpus as a tokenizer cuts them, in bounded memory."""

from collections import Counter
from collections.abc import Sequence

import tensorflow as tf
import tensorflow_text as tf_text

from keras_bert.graph import graph_function
from keras_bert.text import normalizer_model
from keras_bert.text.byte_pair.byte_words import split_byte_words
from keras_bert.text.ragged_rows import row_ids
from keras_bert.text.vocabulary import SPECIAL_TOKENS
from keras_bert.text.word_piece.wordpiece import make_wordpiece

ALGORITHMS = ("wordpiece", "bpe")
MOST_WORDS = 2_000_000
"""Different words that are counted at a time, some hundreds of megabytes; the rarest are let go when there are more."""


class WordCounts:
    """Counts words, batch by batch, cut by the very ops that `BertTokenizer` or `BytePairTokenizer` cuts them with.

    With more than `most_words` different words, those counted once are let go, or those counted up to twice if that is
    not enough, and so on: what is rare in a large corpus is counted low, what is frequent is off by a few at most. The
    result depends on the lines and their order only.

    Args:
        algorithm: `"wordpiece"` or `"bpe"`: whose words.
        lowercase: the normalization of the tokenizer.
        strip_accents: likewise; None means as `lowercase`.
        most_words: different words to count at a time.

    Example:
        >>> counts = WordCounts("wordpiece", lowercase=True)
        >>> counts.add(["The cats, the élan 中文"])
        >>> sorted(counts.words.items())[:3]
        [(b',', 1), (b'cats', 1), (b'elan', 1)]

    References:
        https://arxiv.org/abs/1607.01759 (fastText, whose dictionary.cc lets rare words go in this way)
    """

    def __init__(
        self,
        algorithm: str,
        lowercase: bool,
        strip_accents: bool | None = None,
        most_words: int = MOST_WORDS,
    ):
        self.words: Counter[bytes] = Counter()
        self.total = 0
        self.let_go = 0
        """A word may occur so often more than it is counted."""
        self._most_words = most_words
        strip = lowercase if strip_accents is None else strip_accents
        self._normalizer = None
        if algorithm == "wordpiece" or lowercase or strip:
            self._normalizer = tf_text.FastBertNormalizer(model_buffer=normalizer_model.load(lowercase, strip))
        # With no entry that occurs in text each word is one [UNK], and its offsets are the word's.
        self._cutter = make_wordpiece([*SPECIAL_TOKENS, "\ufdd0"]) if algorithm == "wordpiece" else None
        self._count = graph_function(self._counted, input_signature=[tf.TensorSpec([None], tf.string)])

    def add(self, lines: Sequence[str | bytes]) -> None:
        """Counts the words of some lines."""
        words, counts = self._count(tf.constant(lines, tf.string))
        for word, count in zip(words.numpy().tolist(), counts.numpy().tolist(), strict=True):
            self.words[word] += count
            self.total += count
        if len(self.words) > self._most_words:
            limit = 0
            while len(self.words) > self._most_words * 3 // 4:
                limit += 1
                self.words = Counter({word: count for word, count in self.words.items() if count > limit})
            self.let_go += limit

    def _counted(self, lines: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        text = self._normalizer.normalize(lines) if self._normalizer else lines
        if self._cutter is None:
            words, _, _ = split_byte_words(text)
        else:
            # Normalized white space is blanks. Parts first: each word takes a copy of what it is cut from.
            parts = tf.strings.split(text, " ").values
            ids, starts, ends = self._cutter.tokenize_with_offsets(parts)
            of_words = tf.gather(parts, row_ids(ids.row_splits))
            words = tf.strings.substr(of_words, starts.values, ends.values - starts.values)
        words, _, counts = tf.unique_with_counts(words, tf.int64)
        return words, counts
