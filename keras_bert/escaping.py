"""Text that others wrote, shown as text: one way to write it for each place where some of it means more.

A label, a preset, a path or a licence may hold Markdown, HTML, YAML or what a terminal obeys. In an error or on a
terminal `errors.one_line` shows it; in HTML `html.escape` of Python does.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from keras_bert.errors import one_line

LONGEST = 300
"""Characters that a text in a document may have; of longer ones the middle is left out."""

# What begins markup, a table's cell, an entity, a formula or a link (of an address that GitHub's dialect would find).
# Inside a word an underscore is only an underscore, and the names of settings are full of them.
_MARKS = re.compile(
    r"[\\`*\[\]<>#|~&$@]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])|(?:(?<=http)|(?<=https)|(?<=ftp)):(?=//)|(?<=www)\.",
    re.IGNORECASE,
)
# What json.dumps leaves as it is: DEL and C1, marks of writing direction, line ends, half surrogates.
_UNPRINTABLE = re.compile(r"[\x7f-\x9f\xad\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def markdown(text: str) -> str:
    r"""Writes a text as one piece of a line of Markdown, a cell of a table too: no markup, link, formula or HTML.

    Args:
        text: Any text.

    Returns:
        It, with a backslash before what would be markup; line breaks and control characters as escapes.

    Example:
        >>> print(markdown("<b>x</b> | [a](http://b) and layer_decay"))
        \<b\>x\</b\> \| \[a\](http\://b) and layer_decay
    """
    return _MARKS.sub(lambda found: "\\" + found[0], one_line(text, LONGEST))


def markdown_code(text: str) -> str:
    """Writes a text as a piece of code in a line of Markdown, where nothing but its own end means anything.

    Example:
        >>> print(markdown_code("B-PER"), markdown_code("a `b`"))
        `B-PER` `` a `b` ``
    """
    line = one_line(text, LONGEST)
    runs = {len(run) for run in re.findall("`+", line)}
    fence = next("`" * length for length in range(1, len(runs) + 2) if length not in runs)
    # A blank on both sides is taken off again; all blanks, or none at all, would not be.
    needs_blanks = not line.strip() or line[0] in "` " or line[-1] in "` "
    return f"{fence} {line} {fence}" if needs_blanks else f"{fence}{line}{fence}"


def yaml_string(text: str) -> str:
    r"""Writes a text as a string of YAML on one line, whatever it looks like: `no` and `1.0` are strings, too.

    Example:
        >>> print(yaml_string("mit\ntags: []"))
        "mit\\ntags: []"
    """
    return json.dumps(one_line(text, LONGEST), ensure_ascii=False)


def to_json(value: Any, indent: int | None = None) -> str:
    r"""Writes a value as JSON that every reader takes and a terminal shows as it is.

    Args:
        value: Dicts, lists, strings, numbers, booleans, None.
        indent: Blanks a level; None for one line.

    Returns:
        JSON. NaN and infinity, which JSON has not, are null; control characters, directional overrides and half
        surrogates are escapes, which read as what they were.

    Example:
        >>> print(to_json({"loss": float("nan"), "label": "\x9b31m", "text": "中"}))
        {"loss": null, "label": "\u009b31m", "text": "中"}
    """
    text = json.dumps(_with_nulls(value), ensure_ascii=False, allow_nan=False, indent=indent)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _with_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _with_nulls(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_nulls(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
