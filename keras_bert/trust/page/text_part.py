"""One explained text as HTML: its words in colour where they stand, long ones as one line of heat."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_bert.trust.page.markup import heat, number, picture, shown
from keras_bert.trust.page.style import LEVELS

LONG = 60
"""Words from which a text is one line of heat, with its words behind a fold."""

STRONGEST = 12
"""Words of a long text that are listed."""

_MOST_CELLS = 1000


def text_part(explained: Mapping[str, Any], name: str) -> str:
    """Writes the words of an explanation.

    Args:
        explained: One of what `explain` gives.
        name: An id for its words on the page.

    Returns:
        HTML.
    """
    words = explained["words"]
    largest = max((abs(word["value"]) for word in words), default=0.0)
    several = len(explained["texts"]) > 1
    texts = "".join(_field(explained, field, words, largest, name, several) for field in explained["texts"])
    if len(words) <= LONG:
        return texts + _folded("Values of the words", _table(words))
    return _heat_line(words, largest) + _strongest(words, name) + _folded(f"The text, {len(words):,} words", texts)


def _field(
    explained: Mapping[str, Any],
    field: str,
    words: Sequence[Mapping[str, Any]],
    largest: float,
    name: str,
    several: bool,
) -> str:
    """Writes one of the texts."""
    text = explained["texts"][field]
    own = [(index, word) for index, word in enumerate(words) if word["field"] == field]
    cut = [part for part in explained.get("cut", ()) if part["field"] == field]
    linked = set() if len(words) <= LONG else {index for index, _ in _ranked(words)}
    head = f'<span class="field">{shown(field)}</span>\n' if several else ""
    if any(text[word["start"] : word["end"]] != word["text"] for _, word in own):
        # Places in bytes: the words alone.
        parts = [
            _word(word, word["text"], largest, f"{name}w{index}" if index in linked else "") for index, word in own
        ]
        return f'<p class="text" dir="auto">{head}{" ".join(parts)}</p>\n'
    pieces = sorted(
        [(word["start"], word["end"], index, word) for index, word in own]
        + [(part["start"], part["end"], -1, part) for part in cut],
        key=lambda piece: piece[:3],
    )
    parts, at = [], 0
    for start, end, index, piece in pieces:
        parts.append(shown(text[at:start]))
        if index < 0:
            parts.append(f'<s class="cut" title="not read: {shown(piece["reason"])}">{shown(text[start:end])}</s>')
        else:
            parts.append(_word(piece, text[start:end], largest, f"{name}w{index}" if index in linked else ""))
        at = max(at, end)
    parts.append(shown(text[at:]))
    return f'<p class="text" dir="auto">{head}{"".join(parts)}</p>\n'


def _word(word: Mapping[str, Any], text: str, largest: float, place: str) -> str:
    level = min(LEVELS, round(LEVELS * abs(word["value"]) / largest)) if largest else 0
    target = f' id="{place}"' if place else ""
    if not level and not target:
        return shown(text)
    shade = f' class="{"p" if word["value"] > 0 else "n"}{level}"' if level else ""
    return f'<b{shade}{target} title="{number(word["value"])}">{shown(text)}</b>'


def _table(words: Sequence[Mapping[str, Any]]) -> str:
    has_errors = any("error" in word for word in words)
    head = "<tr><th>word<th>value" + ("<th>standard error" if has_errors else "")
    rows = [
        f'<tr><td dir="auto">{shown(word["text"])}<td class="v">{number(word["value"])}'
        + (f'<td class="v">{word["error"]:.2g}' if "error" in word else "")
        for word in words
    ]
    return "<table>" + "\n".join([head, *rows]) + "</table>"


def _heat_line(words: Sequence[Mapping[str, Any]], largest: float) -> str:
    """Draws all words as one line, of many the strongest of those that share a cell."""
    values = np.array([word["value"] for word in words])
    count = min(len(values), _MOST_CELLS)
    groups = np.split(values, np.arange(1, count) * len(values) // count)
    cells = np.array([group[np.abs(group).argmax()] for group in groups])
    return (
        f'<img class="heat" alt="The {len(words):,} words from the first to the last, as a line of colours; '
        f'the strongest are listed below." src="{picture(heat(cells[None], largest))}">\n'
    )


def _strongest(words: Sequence[Mapping[str, Any]], name: str) -> str:
    """Lists the strongest words, each a link to its place."""
    links = [
        f'<a href="#{name}w{index}" dir="auto">{shown(word["text"])}</a> {number(word["value"])}'
        for index, word in _ranked(words)
    ]
    return f'<p class="note">Strongest: {" · ".join(links)}</p>\n'


def _ranked(words: Sequence[Mapping[str, Any]]) -> list[tuple[int, Mapping[str, Any]]]:
    order = sorted(range(len(words)), key=lambda index: -abs(words[index]["value"]))
    return [(index, words[index]) for index in order[:STRONGEST]]


def _folded(summary: str, content: str) -> str:
    return f"<details><summary>{summary}</summary>\n{content}</details>\n"
