"""What a method found: a number for each word, and how far it can be believed."""

import dataclasses
from typing import Any

import numpy as np

from keras_bert.trust.explain.reading import Reading


@dataclasses.dataclass(frozen=True, eq=False)
class Attribution:
    """What a method found for a text.

    Attributes:
        values: float64 (words,).
        rest: What belongs to no word: special tokens, a prompt.
        score: The explained number of the text.
        baseline_score: That of the baseline.
        gap: How far `values` and `rest` are from adding up to `score - baseline_score`, see `completeness_gap`; None of
            a method that does not promise it.
        steps: How often it looked: steps of an integral, or permutations.
        errors: float64 (words,), the standard errors of values that are estimates.
        maps: Attention maps, see `attention_maps`.
    """

    values: np.ndarray
    rest: float = 0.0
    score: float | None = None
    baseline_score: float | None = None
    gap: float | None = None
    steps: int | None = None
    errors: np.ndarray | None = None
    maps: list[dict[str, Any]] | None = None


def by_word(reading: Reading, of_tokens: np.ndarray) -> tuple[np.ndarray, float]:
    """Adds up what tokens have: float64 (words,), and the sum of what is of no word.

    Args:
        reading: The text.
        of_tokens: float (rows, tokens).
    """
    is_word = reading.owner >= 0
    values = np.bincount(reading.owner[is_word], of_tokens[is_word], len(reading.words))
    return values.astype(np.float64), float(of_tokens[~is_word].sum())


def completeness_gap(total: float, score: float, baseline_score: float) -> float:
    """Says by which share of a difference a sum misses it.

    Args:
        total: The sum.
        score: The explained number of the text.
        baseline_score: That of the baseline.

    Returns:
        |total - (score - baseline_score)| / |score - baseline_score|; a difference under 1e-4 of the score (or of 1),
        of which 32 bits do not hold a hundredth, counts as that much.

    Example:
        >>> completeness_gap(1.5, 3.0, 1.0)
        0.25
    """
    difference = score - baseline_score
    return abs(total - difference) / max(abs(difference), 1e-4 * max(abs(score), 1.0))


def sides_of(reading: Reading) -> list[np.ndarray]:
    """Returns the sides of a text that are explained one after the other, each as bool (rows,)."""
    return [reading.side == side for side in np.unique(reading.side)]
