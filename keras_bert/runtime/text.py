"""A caller's text, string or UTF-8, as characters that a tokenizer takes, with places in the caller's own."""

import re
from typing import NamedTuple

import numpy as np

_HALF_PAIR = re.compile("[\ud800-\udfff]")
_NO_CHARACTERS = re.compile("[\ud800-\udfff\U000f0000-\U0010ffff\ua7cb\ua7d2\ua7d4\ua7dc]")


class Text(NamedTuple):
    """A text to tokenize.

    Attributes:
        characters: Valid Unicode.
        places: int64 (characters + 1,), the byte at which each character begins in a text that was given as bytes; None
            for a string, in which places are characters.
    """

    characters: str
    places: np.ndarray | None

    def place(self, character: int) -> int:
        """Returns where a character begins in the text as it was given."""
        return int(character if self.places is None else self.places[character])


def text_of(given: str | bytes, odd: str, half_pair: str | None = None) -> Text:
    """Makes a text.

    Bytes that are no UTF-8, and half surrogate pairs of strings, make their word unknown, as in the graph: each becomes
    a letter that is in no entry of the vocabulary. So do the characters of which the graph and `tokenizers` make
    something else: private use beyond U+F0000, and four capitals that came after Unicode 14.

    Args:
        given: What the caller gave.
        odd: The letter.
        half_pair: What half a surrogate pair of a string becomes in its place.
    """
    if isinstance(given, bytes):
        # Each byte that is no UTF-8 becomes one half surrogate.
        characters = given.decode("utf-8", "surrogateescape")
        places = None
        if not characters.isascii():
            codes = np.frombuffer(characters.encode("utf-32-le", "surrogatepass"), np.uint32)
            sizes = 1 + (codes > 0x7F) + (codes > 0x7FF) + (codes > 0xFFFF)
            sizes[(codes >= 0xDC80) & (codes <= 0xDCFF)] = 1
            places = np.concatenate([[0], np.cumsum(sizes)])
        return Text(_NO_CHARACTERS.sub(odd, characters), places)
    if not given.isascii():
        if half_pair is not None:
            given = _HALF_PAIR.sub(half_pair, given)
        given = _NO_CHARACTERS.sub(odd, given)
    return Text(given, None)


def whole_characters(given: str) -> str:
    """Returns a string with U+FFFD in the place of half surrogate pairs."""
    return _HALF_PAIR.sub("\ufffd", given)


def shown(given: str | bytes) -> str:
    """Returns a text as it is shown in an answer: what is no character as U+FFFD."""
    data = given.encode("utf-8", "surrogatepass") if isinstance(given, str) else given
    return data.decode("utf-8", "replace")
