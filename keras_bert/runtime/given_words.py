"""Words that a caller gives in place of a text, for tasks in Python and for what was exported."""

from collections.abc import Mapping
from typing import Any

from keras_bert.errors import InputError


def words_of(index: int, text: Any) -> list[str] | None:
    """Returns the words of an input of `answer` that is split already: a list of strings, or a dict with `words`.

    Args:
        index: Its number, for messages.
        text: The input.

    Returns:
        The words; None for an input that is a text.

    Raises:
        InputError: There are no words, or not all of them are strings with something in them.
    """
    given = text.get("words") if isinstance(text, Mapping) else text if isinstance(text, list | tuple) else None
    if given is None:
        return None
    words = [word.decode("utf-8", "replace") if isinstance(word, bytes) else word for word in given]
    if not words or not all(isinstance(word, str) and word for word in words):
        raise InputError(f"text {index}: expected a list of words, none empty, received: {given!r:.80}")
    return words
