"""Answers out of documents as lines of text, in which nothing of the documents moves the cursor."""

from collections.abc import Mapping, Sequence
from typing import Any

from keras_bert.errors import one_line

_LONGEST = 400  # characters of a sentence or a path
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


def answer_lines(answers: Sequence[Mapping[str, Any]], in_colour: bool = False) -> list[str]:
    """Shows answers: each with its score and place, and the sentence it stands in, in which it is marked.

    Args:
        answers: Those of `Index.ask` to one question.
        in_colour: Mark by bold letters, as a terminal has them, in place of `[[` and `]]`.
    """
    if not answers:
        return ["no answer in these documents"]
    lines = []
    for number, answer in enumerate(answers, start=1):
        others = len(answer["sources"]) - 1
        more = f", and {others} more" if others else ""
        lines.append(f"{number}. {one_line(answer['answer'], _LONGEST)}  ({answer['score']:.2f})")
        lines.append(f"   {place_of(answer)}{more}")
        lines.append(f"   {_marked(answer, in_colour)}")
    return lines


def source_lines(answers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Shows all places of the best answer, each with its sentence."""
    if not answers:
        return ["there is no answer whose sources could be shown"]
    lines = []
    for source in answers[0]["sources"]:
        lines += [place_of(source), f"   {one_line(source['sentence'], _LONGEST)}"]
    return lines


def place_of(answer: Mapping[str, Any]) -> str:
    """Says where an answer stands: file, and page, line or bytes; and the title, where that is another than the name.

    Example:
        >>> place_of({"file": "a.pdf", "title": "A", "start": 5, "end": 9, "in_file": False, "page": 2, "line": None})
        'a.pdf, page 2 (A)'
    """
    if answer["page"] is not None:
        place = f", page {answer['page']}"
    elif answer["line"] is not None:
        place = f", line {answer['line']}"
    else:
        place = f", bytes {answer['start']} to {answer['end']}" if answer["in_file"] else ""
    return one_line(f"{answer['file']}{place} ({answer['title']})", _LONGEST)


def _marked(answer: Mapping[str, Any], in_colour: bool) -> str:
    sentence, start = answer["sentence"], answer["at"]
    end = start + len(answer["answer"])
    parts = (one_line(part, _LONGEST) for part in (sentence[:start], sentence[start:end], sentence[end:]))
    return "{}{begin}{}{end}{}".format(*parts, begin=_BOLD if in_colour else "[[", end=_PLAIN if in_colour else "]]")
