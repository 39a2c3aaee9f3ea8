"""A case of a behaviour test: some texts, and what the answers to them must be to each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MINIMUM, INVARIANCE, DIRECTION = TYPES = ("MFT", "INV", "DIR")
"""Minimum functionality: the answer is known. Invariance: the answers are one. Direction: a score moves one way."""

CHANGES = ("up", "down", "not_up", "not_down")

Row = tuple[str, ...]


@dataclass(frozen=True)
class Expected:
    """Which way the probability of a class may move from the first text to each other one.

    Attributes:
        label: The class.
        change: One of `CHANGES`.
        tolerance: Moves up to this count as none.
    """

    label: str
    change: str
    tolerance: float = 0.1

    def holds(self, before: float, after: float) -> bool:
        """Tells whether a move is as expected.

        Example:
            >>> Expected("positive", "not_up").holds(0.5, 0.55), Expected("positive", "down").holds(0.5, 0.45)
            (True, False)
        """
        moved = after - before
        if self.change == "up":
            return moved > self.tolerance
        if self.change == "down":
            return moved < -self.tolerance
        return moved <= self.tolerance if self.change == "not_up" else moved >= -self.tolerance

    def in_words(self) -> str:
        """Returns it for a report."""
        return f"p({self.label}) {self.change.replace('_', ' ')} (tolerance {self.tolerance:g})"


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        rows: The inputs, each a text or the texts of a pair; of INV and DIR the first is the original.
        labels: MFT: the right answer to each input; None where the file does not hold it.
        not_labels: MFT: the wrong answer to each input, any other is right; None where the right one is known.
        expected: DIR: which way a score moves; None where the file does not hold it.
    """

    rows: tuple[Row, ...]
    labels: tuple[str, ...] | None = None
    not_labels: tuple[str, ...] | None = None
    expected: Expected | None = None


@dataclass(frozen=True)
class BehaviourTest:
    """Cases of one kind.

    Attributes:
        name: What is tested.
        capability: What it is a part of, such as `Negation`.
        type: One of `TYPES`.
        cases: At least one.
    """

    name: str
    capability: str
    type: str
    cases: Sequence[Case]


@dataclass(frozen=True)
class Answer:
    """What a model answers to a row.

    Attributes:
        label: The class, or the text found.
        scores: Class → probability; empty where there are no classes.
    """

    label: str
    scores: dict[str, float]


def as_rows(texts: Any, fields: int) -> tuple[Row, ...] | None:
    """Makes rows of `texts` of a suite: a text, a pair, or a list of either; None of anything else.

    Args:
        texts: As JSON has it.
        fields: Texts of a row.

    Example:
        >>> as_rows("a", 1), as_rows(["a", "b"], 1), as_rows(["a", "b"], 2), as_rows([["a", "b"], ["c", "d"]], 2)
        ((('a',),), (('a',), ('b',)), (('a', 'b'),), (('a', 'b'), ('c', 'd')))
    """
    if fields == 1:
        listed = [texts] if isinstance(texts, str) else texts
        rows = [(text,) for text in listed] if isinstance(listed, list) else []
    elif isinstance(texts, list) and all(isinstance(text, str) for text in texts):
        rows = [tuple(texts)]
    else:
        rows = [tuple(row) if isinstance(row, list) else () for row in texts] if isinstance(texts, list) else []
    fits = bool(rows) and all(len(row) == fields and all(isinstance(text, str) for text in row) for row in rows)
    return tuple(rows) if fits else None
