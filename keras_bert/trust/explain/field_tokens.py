"""The tokens of one text, and the words of the caller's text that they are of."""

import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_bert.text.alignment import Pieces, cut_into_pieces
from keras_bert.text.token_layer import TokenLayer
from keras_bert.trust.explain.reading import Word


class FieldTokens(NamedTuple):
    """The tokens of one text, all of them, before anything is cut off.

    Attributes:
        ids: int32 (tokens,).
        starts: int64 (tokens,), first byte of each.
        ends: int64 (tokens,), the byte behind it.
        word: int32 (tokens,), the number of the word that it is of; -1 for none.
        places: int64 (words, 2), first byte of each word and the byte behind it.
    """

    ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    word: np.ndarray
    places: np.ndarray

    def words(self, field: str) -> list[Word]:
        """Returns the words, as those of a field."""
        return [Word(field, int(start), int(end)) for start, end in self.places]


def field_tokens(tokenizer: TokenLayer, text: bytes, markers: Sequence[str] = (), before: bytes = b"") -> FieldTokens:
    """Cuts a text into tokens, and finds the words that they make up.

    Args:
        tokenizer: The model's.
        text: UTF-8.
        markers: Entries of the vocabulary that stand for themselves in the text, see `BertPreprocessor`; no words.
        before: A prompt that stands before the text; its tokens are there, and of no word.

    Returns:
        The tokens of prompt and text; places count from the begin of the text.

    Example:
        >>> field_tokens(BertTokenizer(entries), b"good books!").places.tolist()  # doctest: +SKIP
        [[0, 4], [5, 10], [10, 11]]
    """
    whole = before + text
    pattern = "|".join(re.escape(marker) for marker in markers).encode()
    parts = re.split(b"(" + pattern + b")", whole) if markers else [whole]
    origins = np.cumsum([0, *map(len, parts)])
    plain = parts[::2]  # between the markers
    found = tokens_of(cut_into_pieces(tokenizer, plain))
    pieces: list[FieldTokens] = []
    words = 0
    for index, part in enumerate(parts):
        if index % 2:
            pieces.append(_marker(tokenizer.token_to_id(part.decode()), len(part)))
        else:
            pieces.append(found[index // 2])
    joined = []
    for tokens, origin in zip(pieces, origins - len(before), strict=False):
        number = np.where(tokens.word >= 0, tokens.word + words, -1)
        joined.append((tokens.ids, tokens.starts + origin, tokens.ends + origin, number, tokens.places + origin))
        words += len(tokens.places)
    ids, starts, ends, word, places = (np.concatenate(column) for column in zip(*joined, strict=True))
    skipped = int((places[:, 0] < 0).sum())  # the words of the prompt
    return FieldTokens(ids, starts, ends, np.where(word >= skipped, word - skipped, -1), places[skipped:])


def tokens_of(pieces: Pieces) -> list[FieldTokens]:
    """Takes the pieces of some texts apart, text by text."""
    splits = pieces.ids.row_splits.numpy()
    columns = [pieces.ids.values, *pieces[1:]]
    found = []
    for begin, end in itertools.pairwise(splits):
        ids, starts, ends, begins, in_word = (column.numpy()[begin:end] for column in columns)
        number = np.cumsum(begins) - 1
        word = np.where(in_word, number, -1).astype(np.int32)
        last = np.zeros(int(begins.sum()), np.int64)
        np.maximum.at(last, word[word >= 0], ends[word >= 0])
        found.append(FieldTokens(ids, starts, ends, word, np.stack([starts[begins], last], 1)))
    return found


def _marker(token_id: int, size: int) -> FieldTokens:
    empty = np.zeros((0, 2), np.int64)
    return FieldTokens(np.array([token_id], np.int32), np.array([0]), np.array([size]), np.array([-1]), empty)
