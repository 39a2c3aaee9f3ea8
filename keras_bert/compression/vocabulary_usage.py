"""Which entries of a vocabulary texts use, and which of the others they may need."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.token_layer import TokenLayer
from keras_bert.text.vocabulary import SPECIAL_TOKENS

LEAST_SHARE = 1e-3
"""Of the letters of texts: a script with fewer is of names and quotations, not of the language."""


class VocabularyUsage:
    """Counts the entries that texts are cut into, batch by batch.

    Args:
        tokenizer: The tokenizer.

    Attributes:
        counts: int64 (entries,), how often each entry came.

    Example:
        >>> from keras_bert.text.word_piece.tokenizer import BertTokenizer
        >>> usage = VocabularyUsage(BertTokenizer([*SPECIAL_TOKENS, "bread", "##s", "film", "x", "д"]))
        >>> usage.add(["breads", "bread"])
        >>> usage.kept()
        ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'bread', '##s', 'x']
    """

    def __init__(self, tokenizer: TokenLayer) -> None:
        self.tokenizer = tokenizer
        self.counts = np.zeros(tokenizer.vocabulary_size, np.int64)

    def add(self, texts: Sequence[str | bytes]) -> None:
        """Counts the entries of some texts."""
        ids = self.tokenizer(tf.constant(texts, tf.string)).flat_values.numpy()
        self.counts += np.bincount(ids, minlength=len(self.counts))

    def kept(self, min_count: int = 1, short: int = 2, words: Sequence[str] = ()) -> list[str]:
        """Chooses the entries that a vocabulary for such texts keeps, in the order of their ids.

        Those that came `min_count` times; special and added tokens; the pieces of `words`; and what words are
        spelled of that did not come: pieces of one to `short` characters, of the scripts that the texts are written
        in, as well as digits, punctuation and symbols. Of a byte-level vocabulary the bytes, and whatever an entry
        is merged from.

        Args:
            min_count: How often an entry must have come.
            short: Characters of the short pieces; 0 for none, so that words become `[UNK]`.
            words: Words that the vocabulary must go on writing as it does.

        Returns:
            Entries.
        """
        entries = self.tokenizer.get_vocabulary()
        kept = {entries[index] for index in np.flatnonzero(self.counts >= max(min_count, 1)).tolist()}
        kept |= {*SPECIAL_TOKENS, *(token.content for token in self.tokenizer.added_tokens)}
        if words:
            kept |= {entries[index] for index in self.tokenizer(tf.constant(words)).flat_values.numpy()}
        if isinstance(self.tokenizer, BytePairTokenizer):
            kept |= {entry for entry in entries if len(entry) == 1}
            kept = _with_parts(kept, self.tokenizer.get_merges())
        else:
            scripts = self._scripts(entries)
            kept |= {entry for entry in entries if _is_short(entry, short, scripts)}
        return [entry for entry in entries if entry in kept]

    def _scripts(self, entries: Sequence[str]) -> set[str]:
        """Gives the scripts that the counted texts are written in."""
        letters: Counter[str] = Counter()
        for index in np.flatnonzero(self.counts).tolist():
            if entries[index] not in SPECIAL_TOKENS:
                for script in _scripts_of(entries[index].removeprefix("##")):
                    letters[script] += int(self.counts[index])
        return {script for script, count in letters.items() if count >= LEAST_SHARE * letters.total()}


def _scripts_of(text: str) -> Iterator[str]:
    """Yields the script of each letter, which is the first word of its name: LATIN, CYRILLIC, CJK, ..."""
    for letter in text:
        if unicodedata.category(letter).startswith("L"):
            yield unicodedata.name(letter, "UNNAMED").partition(" ")[0]


def _is_short(entry: str, short: int, scripts: set[str]) -> bool:
    text = entry.removeprefix("##")
    return len(text) <= short and scripts.issuperset(_scripts_of(text))


def _with_parts(kept: set[str], merges: Iterable[str]) -> set[str]:
    """Adds what byte-level entries are merged from, the parts of the parts included."""
    parts: dict[str, list[str]] = {}
    for merge in merges:
        parts.setdefault(merge.replace(" ", ""), []).extend(merge.split(" "))
    kept, waiting = set(kept), list(kept)
    while waiting:
        new = set(parts.get(waiting.pop(), ())) - kept
        kept |= new
        waiting.extend(new)
    return kept
