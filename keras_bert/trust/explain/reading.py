"""A text as the model read it: which token is of which word, and which number of the outputs is explained."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

PLACES = "places"
"""The kind of `Readout` that adds up outputs; the others are names of similarities, between the outputs of two rows."""


class Word(NamedTuple):
    """A word, or a part of a text, by its place.

    Attributes:
        field: The text that it is of, one of the row's fields.
        start: Its first byte there.
        end: The byte behind it.
    """

    field: str
    start: int
    end: int


class Cut(NamedTuple):
    """A part of a text that the explained number does not depend on.

    Attributes:
        place: Where it stands.
        reason: `"max_length"`: the model does not read it; `"window"`: it reads it for other answers.
    """

    place: Word
    reason: str


class Readout(NamedTuple):
    """The number that is explained, as a function of the model's outputs.

    Attributes:
        kind: `PLACES`, or the similarity of the vectors of the first and the second row.
        places: int32 (numbers, rank), indices of outputs, the row first.
        weights: float32 (numbers,), what each counts in the sum.
    """

    kind: str
    places: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, places: Any, weights: Any = None) -> "Readout":
        """Makes the sum of some outputs, or by default their mean."""
        places = np.asarray(places, np.int32)
        weights = np.full(len(places), 1 / len(places)) if weights is None else weights
        return cls(PLACES, places, np.asarray(weights, np.float32))

    @classmethod
    def similarity(cls, kind: str) -> "Readout":
        """Makes the similarity of the first and the second row."""
        return cls(kind, np.zeros((0, 2), np.int32), np.zeros(0, np.float32))


@dataclasses.dataclass(frozen=True, eq=False)
class Reading:
    """A text as the model read it, and what of its outputs is explained.

    Attributes:
        inputs: The model's, int32 (rows, tokens) by name: one row, or the windows that matter, or two texts.
        owner: int32 (rows, tokens), the number of the word that a token is of; -1 for special tokens, padding and
            prompts.
        words: The words that have a token.
        cut: What was left out.
        label: What is explained, in words.
        readout: The number.
        looks_from: float (rows, tokens), the tokens at which the outputs of the readout stand, as shares of 1.
        side: int (rows,), rows that are explained together; of two texts that are compared each is explained while the
            other one stays.
    """

    inputs: Mapping[str, np.ndarray]
    owner: np.ndarray
    words: list[Word]
    cut: list[Cut]
    label: str
    readout: Readout
    looks_from: np.ndarray
    side: np.ndarray


def used_words(owner: np.ndarray, words: list[Word]) -> tuple[np.ndarray, list[Word]]:
    """Leaves out words without a token, and counts the others anew.

    Args:
        owner: int (rows, tokens), numbers of words; -1 for none.
        words: All words.
    """
    used = np.unique(owner[owner >= 0])
    number = np.full(len(words) + 1, -1, np.int32)
    number[used] = np.arange(len(used))
    return number[owner], [words[index] for index in used]


def parts_not_read(field: str, starts: np.ndarray, ends: np.ndarray, read: np.ndarray, reason: str) -> list[Cut]:
    """Finds the parts of a text of which no token was read.

    Args:
        field: The text.
        starts: int (tokens,), first byte of each of its tokens.
        ends: int (tokens,), the byte behind it.
        read: bool (tokens,).
        reason: See `Cut`.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[True], read, [True]]).astype(int)))
    return [
        Cut(Word(field, int(starts[first]), int(ends[first:behind].max())), reason)
        for first, behind in zip(edges[::2], edges[1::2], strict=True)
    ]
