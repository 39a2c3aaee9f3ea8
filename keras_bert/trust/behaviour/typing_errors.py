"""Copies of texts with one typing error each, for tests of invariance."""

import itertools
import random
from collections.abc import Iterable, Iterator
from typing import Any

from keras_bert.errors import InputError
from keras_bert.trust.attack.typos import Typos
from keras_bert.trust.attack.words import find_words
from keras_bert.trust.behaviour.case import Row

_KINDS = ("swap", "delete", "keyboard")
_TRIES = 10  # draws for each copy that is wanted, since copies differ
_SHORTEST = 4
"""Letters of a word that gets an error: readers see through one there."""


def with_typing_errors(rows: tuple[Row, ...], count: Any, seed: int, place: str) -> tuple[Row, ...]:
    """Puts copies with one typing error behind the rows.

    Args:
        rows: The rows of a case.
        count: Copies of each row, 0 for none; fewer where it has not so many different errors.
        seed: Of the words, the kinds of error and their places.
        place: Where the case stands, for messages.

    Raises:
        InputError: `count` is no number, or a row has no word of four letters.

    Example:
        >>> with_typing_errors((("wonderful",),), 1, 0, "")
        (('wonderful',), ('wondreful',))
    """
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise InputError(f"{place}: typos: expected a whole number of 0 or more, found {count!r:.40}")
    copies: list[Row] = []
    for row in rows:
        drawn = (_with_error(row, number, seed, place) for number in range(_TRIES * count))
        copies += itertools.islice(_distinct(drawn), count)
    return (*rows, *copies)


def _distinct(rows: Iterable[Row]) -> Iterator[Row]:
    seen: set[Row] = set()
    for row in rows:
        if row not in seen:
            seen.add(row)
            yield row


def _with_error(row: Row, number: int, seed: int, place: str) -> Row:
    draw = random.Random(f"{seed} {number} {row}")
    words = [
        (at, start, end)
        for at, text in enumerate(row)
        for start, end in find_words(text)
        if end - start >= _SHORTEST and text[start:end].isalpha() and len(set(text[start + 1 : end - 1])) > 1
    ]
    draw.shuffle(words)
    for at, start, end in words:
        edits = Typos(seed).edits(row[at][start:end], f"{number} {start}")
        kinds = [kind for kind in _KINDS if kind in edits]
        if kinds:
            changed = row[at][:start] + edits[draw.choice(kinds)] + row[at][end:]
            return (*row[:at], changed, *row[at + 1 :])
    raise InputError(f"{place}: typos: no word of {_SHORTEST} letters to put an error into: {row[0]!r:.60}")
