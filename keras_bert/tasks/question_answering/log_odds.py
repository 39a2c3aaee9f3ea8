"""No-answer scores, 0 to 1, as log-odds: near 0 and 1 many questions share a score, and none their log-odds."""

import math

from keras_bert.errors import InputError

CERTAIN = 1e9
"""Log-odds of a score of 1, as of a text without words; finite, since JSON has no infinity."""


def log_odds_of(score: float) -> float:
    """Makes log-odds, log(score / (1 - score)), of a score.

    Raises:
        InputError: The score is below 0 or above 1.

    Example:
        >>> log_odds_of(0.5)
        0.0
    """
    if not 0 <= score <= 1:
        raise InputError(f"no_answer_threshold is {score}; a score is from 0 to 1")
    if score in (0, 1):
        return CERTAIN if score else -CERTAIN
    return math.log(score) - math.log1p(-score)


def score_of(log_odds: float) -> float:
    """Makes a score, 1 / (1 + exp(-log_odds)), of log-odds; above 36 it is 1.0 in 64 bits."""
    if log_odds < 0:
        return math.exp(log_odds) / (1 + math.exp(log_odds)) if log_odds > -700 else 0.0
    return 1 / (1 + math.exp(-log_odds))
