"""Texts cut into passages: whole sentences within a budget of tokens, with some of them in two passages."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_bert.data.pretraining.sentences import sentence_spans
from keras_bert.errors import InputError
from keras_bert.text.character_offsets import characters_of
from keras_bert.text.token_layer import TokenLayer
from keras_bert.text.word_begins import word_places

_AT_ONCE = 1 << 20  # characters that the tokenizer gets at a time
_LONGEST_TOKEN = 200  # characters; what has no blanks, such as base64, is one token of any length


class Cut(NamedTuple):
    """A piece of a text.

    Attributes:
        start: Its first character.
        end: The one behind its last.
        ids: int32 (tokens,), its tokens.
    """

    start: int
    end: int
    ids: np.ndarray


class PassageCutter:
    """Cuts texts into passages.

    A passage is as many sentences as fit; the next one begins with the last sentences of it that have up to `overlap`
    tokens together. A sentence that is too long by itself is cut: between lines if it has some, between words if there
    are any, else between tokens.

    Args:
        tokenizer: Counts the tokens.
        max_tokens: Tokens of a passage at most, without special ones.
        overlap: Tokens at most that a passage repeats of the one before it.

    Raises:
        InputError: Impossible numbers.

    Example:
        >>> from keras_bert.text import BertTokenizer
        >>> tokenizer = BertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "film", "."])
        >>> text = "Good film. Bad film. Good bad film."
        >>> [text[cut.start : cut.end] for cut in PassageCutter(tokenizer, 7, 3).cut([text])[0]]
        ['Good film. Bad film.', 'Bad film. Good bad film.']
    """

    def __init__(self, tokenizer: TokenLayer, max_tokens: int, overlap: int) -> None:
        if max_tokens < 1 or not 0 <= overlap < max_tokens:
            raise InputError(
                f"max_tokens is {max_tokens} and overlap {overlap}; expected 1 or more, and an overlap below it"
            )
        self._tokenizer = tokenizer
        self._most = max_tokens
        self._overlap = overlap

    def cut(self, texts: Sequence[str]) -> list[list[Cut]]:
        """Cuts texts, each by itself; a text without tokens gives no passage."""
        spans = [sentence_spans(text, line_ends=False) for text in texts]
        sentences = [text[start:end] for text, found in zip(texts, spans, strict=True) for start, end in found]
        ids = iter(self._ids(sentences))
        return [
            self._packed([unit for start, end in found for unit in self._units(text, start, end, next(ids))])
            for text, found in zip(texts, spans, strict=True)
        ]

    def _ids(self, sentences: Sequence[str]) -> list[np.ndarray]:
        """Gives the tokens of each sentence, int32 (tokens,)."""
        found: list[np.ndarray] = []
        begin, size = 0, 0
        for index, sentence in enumerate(sentences):
            size += len(sentence)
            if size >= _AT_ONCE or index == len(sentences) - 1:
                ids = self._tokenizer.tokenize(sentences[begin : index + 1])
                found += np.split(ids.values.numpy(), ids.row_splits.numpy()[1:-1])
                begin, size = index + 1, 0
        return found

    def _units(self, text: str, start: int, end: int, ids: np.ndarray) -> list[Cut]:
        """Gives a sentence, in pieces if it is too long."""
        if len(ids) <= self._most and (end - start <= _LONGEST_TOKEN * len(ids)):
            return [Cut(start, end, ids)] if len(ids) else []
        return [Cut(start + unit.start, start + unit.end, unit.ids) for unit in self._pieces(text[start:end])]

    def _pieces(self, sentence: str) -> list[Cut]:
        encoded = sentence.encode()
        rows, starts, ends = self._tokenizer.tokenize_with_offsets([encoded])
        places = word_places(self._tokenizer, tf.constant([encoded]), rows, starts.values, ends.values)
        begins = places.begins.numpy()
        first = characters_of(encoded, starts.values.numpy())
        last = characters_of(encoded, ends.values.numpy())
        ids = rows.values.numpy()
        if (last - first > _LONGEST_TOKEN).any():
            ids, begins, first, last = _parted(ids, begins, first, last)
        # Where a passage may begin: not within a character of which several tokens are.
        may_begin = np.concatenate([[True], first[1:] >= last[:-1]])
        lines = np.array([character == "\n" for character in sentence]).cumsum()
        new_line = np.concatenate([[True], lines[first[1:]] > lines[first[:-1]]])
        found, begin = [], 0
        while begin < len(ids):
            stop = min(begin + self._most, len(ids))
            if stop < len(ids):
                stop = self._cut_before(begin, stop, (new_line & begins, begins & may_begin, may_begin))
            found.append(Cut(int(first[begin]), int(last[begin:stop].max()), ids[begin:stop]))
            begin = stop
        return found

    def _cut_before(self, begin: int, stop: int, places: Sequence[np.ndarray]) -> int:
        """Gives the last place, of the best kind that there is, where a piece from `begin` can end."""
        half = begin + (stop - begin) // 2
        for allowed, least in zip(places, (half, begin, begin), strict=True):
            found = np.flatnonzero(allowed[least + 1 : stop + 1])
            if len(found):
                return int(least + 1 + found[-1])
        return stop

    def _packed(self, units: Sequence[Cut]) -> list[Cut]:
        """Joins sentences to passages."""
        found: list[Cut] = []
        begin = 0
        while begin < len(units):
            stop, count = begin, 0
            while stop < len(units) and count + len(units[stop].ids) <= self._most:
                count += len(units[stop].ids)
                stop += 1
            ids = np.concatenate([unit.ids for unit in units[begin:stop]])
            found.append(Cut(units[begin].start, units[stop - 1].end, ids))
            if stop == len(units):
                break
            # The next passage holds the next sentence, and before it what may be repeated, but never all of this one.
            least, room = begin + 1, min(self._overlap, self._most - len(units[stop].ids))
            begin = stop
            while begin > least and len(units[begin - 1].ids) <= room:
                begin -= 1
                room -= len(units[begin].ids)
        return found


def _parted(
    ids: np.ndarray, begins: np.ndarray, first: np.ndarray, last: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Takes a token of very many characters for several that are alike."""
    counts = np.maximum(1, -(-(last - first) // _LONGEST_TOKEN))
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = np.repeat(first, counts) + within * _LONGEST_TOKEN
    ends = np.minimum(starts + _LONGEST_TOKEN, np.repeat(last, counts))
    return np.repeat(ids, counts), np.repeat(begins, counts), starts, ends
