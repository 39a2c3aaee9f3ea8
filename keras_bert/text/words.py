"""The words of a raw text as BERT's own tokenization has them, before it cuts them into pieces."""

import enum
import unicodedata

# google-research/bert, tokenization.py, `_is_chinese_char`: ideographs, each a word.
_IDEOGRAPHS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)
_SKIN_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"  # of the emoji before them
_ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


def is_blank(character: str) -> bool:
    """Says whether a character divides words: a blank, a tab, a line end, or another space of Unicode (Zs)."""
    return character in " \t\n\r" or unicodedata.category(character) == "Zs"


def stands_alone(character: str) -> bool:
    """Says whether a character is a word by itself: punctuation, which takes in all of ASCII's signs, or an ideograph.

    Example:
        >>> [stands_alone(character) for character in "$。中a"]
        [True, True, True, False]
    """
    if character.isascii():
        return character in _ASCII_PUNCTUATION
    point = ord(character)
    return unicodedata.category(character)[0] == "P" or any(first <= point <= last for first, last in _IDEOGRAPHS)


class Kind(enum.IntEnum):
    """What a character is to the words of a text."""

    BLANK = 0
    """It divides words."""
    ALONE = 1
    """It is a word by itself."""
    EXTENDS = 2
    """It is part of what stands before it: a mark, a control or format character."""
    INSIDE = 3
    """It makes up a word with its neighbours."""


def kind_of(character: str) -> Kind:
    r"""Says what a character is to words, where symbols are set apart as well.

    Beside what `stands_alone` says, a symbol (`€`, an emoji), an icon of private use and what is no UTF-8 (U+FFFD)
    are words by themselves; and all of Unicode's white space divides words, so form feeds do.

    Example:
        >>> [kind_of(character).name for character in "\f€\u0301a"]
        ['BLANK', 'ALONE', 'EXTENDS', 'INSIDE']
    """
    category = unicodedata.category(character)
    if category[0] == "Z" or character in "\t\n\v\f\r\x85":
        return Kind.BLANK
    if category[0] == "M" or category in ("Cc", "Cf") or character in _SKIN_TONES:
        return Kind.EXTENDS
    if stands_alone(character) or category[0] == "S" or category == "Co":
        return Kind.ALONE
    return Kind.INSIDE


def split_words(text: str) -> list[tuple[int, int]]:
    """Finds the words of a text: what stands between blanks, cut before and after each character that stands alone.

    Args:
        text: Any text.

    Returns:
        Begin and end of each word, in characters.

    Example:
        >>> [text[start:end] for text in ["U.N. in 北京"] for start, end in split_words(text)]
        ['U', '.', 'N', '.', 'in', '北', '京']

    References:
        github.com/google-research/bert, tokenization.py, `BasicTokenizer`
    """
    words, begin = [], None
    for place, character in enumerate(text):
        apart = stands_alone(character)
        if begin is not None and (apart or is_blank(character)):
            words.append((begin, place))
            begin = None
        if apart:
            words.append((place, place + 1))
        elif begin is None and not is_blank(character):
            begin = place
    if begin is not None:
        words.append((begin, len(text)))
    return words
