"""What audits of a model found, as a section of its model card."""

import re
from collections.abc import Mapping
from typing import Any

from keras_bert.escaping import markdown

TITLE = "Audit"
READ_WITH_CARE = (
    "Measured on the rows named, with 95 % intervals in brackets; no verdict. What was not measured is not said to be "
    "well: other rows, other groups and other words may show what these do not."
)

_SECTION = re.compile(rf"^## {TITLE}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_BEFORE = "## Limits\n"


def audit_section(audits: Mapping[str, Any]) -> str:
    """Writes the body of the section.

    Args:
        audits: Name of a probe → `rows` (what it was measured on), `summary` (name → value in words), `warnings`, as
            `keras_bert.trust` makes them.

    Returns:
        Markdown: a heading and a table for each probe.
    """
    parts = [READ_WITH_CARE]
    for probe, found in audits.items():
        lines = [f"| {markdown(str(name))} | {markdown(str(value))} |" for name, value in found["summary"].items()]
        table = "\n".join(["| | |", "|---|---|", *lines])
        warnings = "\n".join(f"- {markdown(str(warning))}" for warning in found.get("warnings", ()))
        title = markdown(str(probe)).capitalize()
        parts.append(f"### {title}\n\nRows: {markdown(str(found.get('rows', 'not recorded')))}.\n\n{table}")
        parts += [warnings] if warnings else []
    return "\n\n".join(parts)


def with_audits(card: str, audits: Mapping[str, Any]) -> str:
    r"""Puts the section into a card that is written already, in the place of an earlier one; the rest stays as it is.

    Args:
        card: Markdown.
        audits: As for `audit_section`.

    Example:
        >>> found = {"pairs": {"rows": "pairs.csv", "summary": {"score": "52 %"}}}
        >>> card = with_audits("# A model\n\n## Limits\n\nMany.\n", found)
        >>> card.index("## Audit") < card.index("## Limits"), card == with_audits(card, found)
        (True, True)
    """
    section = f"## {TITLE}\n\n{audit_section(audits)}\n\n"
    if _SECTION.search(card):
        return _SECTION.sub(lambda _: section, card, count=1).rstrip() + "\n"
    if _BEFORE in card:
        return card.replace(_BEFORE, section + _BEFORE, 1)
    return f"{card.rstrip()}\n\n{section}".strip() + "\n"
