"""The words of a text that may be changed, with their places in it."""

import re
from collections.abc import Collection

from keras_bert.text.words import split_words

_APOSTROPHES = ("'", "’")
_MARKERS = re.compile(r"</?e[12]>")
LONGEST_PHRASE = 6
"""Words of a phrase at most."""

Span = tuple[int, int]


def find_words(text: str, phrases: Collection[str] = (), protected: re.Pattern[str] | None = None) -> list[Span]:
    """Finds the words of a text that an attack may change.

    They are those of BERT's own tokenization that hold a letter or a digit, so that an ideograph is one; an apostrophe
    between letters joins its neighbours, `don't` is one word.

    Args:
        text: Any text.
        phrases: Words and phrases in lower case; what stands in the text as one of several words is taken as one, the
            longest first. So `在 北京` of a list is found in a text without blanks.
        protected: What may not be changed; words that overlap it are left out.

    Returns:
        Begin and end of each, in characters, in their order.

    Example:
        >>> [text[start:end] for text in ["I don't like it, at all."] for start, end in find_words(text, {"at all"})]
        ['I', "don't", 'like', 'it', 'at all']
    """
    words = _joined_at_apostrophes(text, split_words(text))
    if phrases:
        words = _joined_to_phrases(text, words, phrases)
    held = [found.span() for found in protected.finditer(text)] if protected else []
    return [
        (start, end)
        for start, end in words
        if any(character.isalnum() for character in text[start:end])
        and not any(start < last and first < end for first, last in held)
    ]


def entity_markers() -> re.Pattern[str]:
    """Returns what marks entities in the texts of models with `pooling="markers"`, which is not to be changed."""
    return _MARKERS


def _joined_at_apostrophes(text: str, words: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for index, (start, end) in enumerate(words):
        touches = bool(joined) and joined[-1][1] == start
        goes_on = index + 1 < len(words) and words[index + 1][0] == end and text[end].isalpha()
        is_inner = touches and goes_on and text[start:end] in _APOSTROPHES and text[start - 1].isalpha()
        is_behind = touches and text[start - 1] in _APOSTROPHES and joined[-1][1] - joined[-1][0] > 1
        if is_inner or is_behind:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _joined_to_phrases(text: str, words: list[Span], phrases: Collection[str]) -> list[Span]:
    joined, at = [], 0
    while at < len(words):
        last = at
        for other in range(min(at + LONGEST_PHRASE, len(words)) - 1, at, -1):
            if text[words[at][0] : words[other][1]].lower() in phrases:
                last = other
                break
        joined.append((words[at][0], words[last][1]))
        at = last + 1
    return joined
