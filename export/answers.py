"""What the two clients share on the way to a server and back: rows in requests, answers checked and put together.

A server is a stranger: it may answer with other rows than it was asked for, without end, or with an error that holds
what a terminal takes for a command. Whatever it does, a caller gets as many answers as it sent rows, or one error.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Answers = dict[str, list]
Rows = Mapping[str, Sequence[Any]]

MAX_ANSWER_BYTES = 1 << 26
"""Of one request, unless told otherwise: 64 MiB, some thousand times the answer to 32 texts."""

LONGEST_ERROR = 600
"""Characters of a server's error that are shown."""

# What moves the cursor, changes colours, renames the window or turns the direction of writing: control characters (C0
# but for the tab, DEL, C1), line and paragraph separators, and Unicode's bidirectional controls. Half surrogate pairs,
# which JSON can hold, cannot be printed at all.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def in_requests(send: Callable[[Rows], Answers], rows: Rows, batch_size: int) -> Answers:
    """Sends rows in requests of a size, and puts the answers together.

    Args:
        send: Sends the rows of one request; returns one list a name.
        rows: Name of an input → one element a row.
        batch_size: Rows in one request.

    Returns:
        Name of an output → one element a row, in the order of the rows. Without rows nothing is asked.

    Raises:
        RuntimeError: An answer has no outputs, another number of rows than its request, or other names than before;
            or the inputs have unlike numbers of rows.
        ValueError: The batch size is less than 1.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
    counts = {name: len(values) for name, values in rows.items()}
    if len(set(counts.values())) > 1:
        raise RuntimeError(f"unlike numbers of rows: {_listed(counts)}")
    answers: Answers = {}
    for start in range(0, next(iter(counts.values()), 0), batch_size):
        asked = {name: values[start : start + batch_size] for name, values in rows.items()}
        number = len(next(iter(asked.values())))
        found = send(asked)
        if not found:
            raise RuntimeError(f"the server answered {number} rows with no outputs")
        wrong = {name: len(values) for name, values in found.items() if len(values) != number}
        if wrong:
            raise RuntimeError(f"the server answered {number} rows with other numbers of rows: {_listed(wrong)}")
        if start and set(found) != set(answers):
            raise RuntimeError(f"the server's outputs changed from {_listed(answers)} to {_listed(found)}")
        for name, values in found.items():
            answers.setdefault(name, []).extend(values)
    return answers


def to_bytes(text: str | bytes) -> bytes:
    """UTF-8 of a string; what the shell passed and Python could not decode is given back as it was."""
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text


def printable(text: str, longest: int = LONGEST_ERROR) -> str:
    r"""Makes text of a stranger fit for one line on a terminal: short, and without control characters.

    Example:
        >>> printable("red\x1b[31m")
        'red\\x1b[31m'
    """
    line = _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), " ".join(text.split()))
    return line if len(line) <= longest else f"{line[:longest]}... ({len(line)} characters)"


def to_json(value: Any) -> str:
    r"""Writes a value as one line of JSON: numbers that are none as null, what a terminal acts on as escapes.

    Example:
        >>> to_json({"score": float("nan"), "label": "\x9b31m"})
        '{"score": null, "label": "\\u009b31m"}'
    """
    text = json.dumps(finite(value), ensure_ascii=False, allow_nan=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def without_credentials(address: str) -> str:
    """Leaves user, password and everything behind a question mark out of an address, for messages.

    Example:
        >>> without_credentials("https://me:secret@host:8501/?key=1")
        'https://host:8501/'
    """
    scheme, separator, rest = address.rpartition("://") if "@" not in address else _before_at(address)
    return printable(f"{scheme}{separator}{rest}".partition("?")[0].partition("#")[0])


def _before_at(address: str) -> tuple[str, str, str]:
    """Splits an address with credentials: scheme, `://`, what is behind the last @, which a password may hold too."""
    scheme, separator, rest = address.partition("://")
    if not separator:
        scheme, rest = "", address
    return scheme, separator, rest.rpartition("@")[2]


def finite(value: Any) -> Any:
    """Writes numbers that are none as None, in lists and dicts too."""
    if isinstance(value, Mapping):
        return {name: finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and value - value != 0 else value


def _listed(values: Any) -> str:
    shown = [f"{name}: {value}" for name, value in values.items()] if _is_counts(values) else list(values)
    return printable(", ".join(map(str, shown)) or "none")


def _is_counts(values: Any) -> bool:
    return isinstance(values, Mapping) and all(isinstance(value, int) for value in values.values())
