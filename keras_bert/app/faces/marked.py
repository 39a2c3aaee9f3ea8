"""A text in parts of which some are marked."""

from collections.abc import Sequence

Parts = list[tuple[str, str | None]]


def marked(text: str, spans: Sequence[tuple[int, int, str]]) -> Parts:
    """Cuts a text into parts that are marked and parts that are not.

    Args:
        text: The text.
        spans: Begin and end in characters, and the name of each mark; they do not overlap.

    Returns:
        The parts, which joined are the text, each with the name of its mark or None.

    Example:
        >>> marked("Ada in London", [(0, 3, "PER")])
        [('Ada', 'PER'), (' in London', None)]
    """
    parts: Parts = []
    at = 0
    for start, end, name in sorted(spans):
        parts += [(text[at:start], None), (text[start:end], name)]
        at = end
    return [(part, name) for part, name in [*parts, (text[at:], None)] if part]
