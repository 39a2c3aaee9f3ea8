"""Earlier turns of a conversation, before what is asked now."""

from collections.abc import Mapping, Sequence
from typing import Any

from keras_bert.errors import InputError

TURN = "\n"
"""What stands between turns. To BERT it is white space; models look for it to know which end of a question to cut."""


def with_history(asked: str, history: Any, place: str) -> str:
    r"""Puts earlier turns before what is asked, a line each, the oldest first.

    Training, `answer` and exported models read such a text alike: of one that is too long the oldest tokens are left
    out, where of one without earlier turns the last ones are.

    Args:
        asked: What is asked now.
        history: A list of turns, the oldest first: strings, or dicts of `question` and perhaps `answer`; None or an
            empty list for none.
        place: Where it stands, for messages.

    Raises:
        InputError: A turn is none of these.

    Example:
        >>> with_history("And where?", ["Who was he?", {"question": "When?", "answer": "In 1906."}], "row 0")
        'Who was he?\nWhen?\nIn 1906.\nAnd where?'
    """
    if history is None:
        return asked
    if isinstance(history, str | bytes | Mapping) or not isinstance(history, Sequence):
        raise InputError(f"{place}: field 'history': expected a list of earlier turns, found {history!r:.60}")
    lines = [line for turn in history for line in _lines(turn, place)]
    return TURN.join([*(" ".join(line.split()) for line in lines), " ".join(asked.split()) if lines else asked])


def _lines(turn: Any, place: str) -> list[str]:
    found = [turn]
    if isinstance(turn, Mapping):
        found = [turn.get("question"), *([turn["answer"]] if turn.get("answer") else [])]
    if not all(isinstance(line, str) for line in found):
        raise InputError(
            f"{place}: field 'history': expected strings, or dicts of 'question' and 'answer', found {turn!r:.60}"
        )
    return [line for line in found if line.strip()]
