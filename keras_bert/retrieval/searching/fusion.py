"""Several orders of the same passages made into one."""

from collections.abc import Sequence

import numpy as np

FUSIONS = ("scores", "ranks")

RANK_CONSTANT = 60
"""Cormack, Clarke and Buettcher 2009, Reciprocal Rank Fusion outperforms Condorcet (SIGIR), section 2."""


def reciprocal_rank_fusion(
    orders: Sequence[np.ndarray], weights: Sequence[float] | None = None, constant: float = RANK_CONSTANT
) -> tuple[np.ndarray, np.ndarray]:
    """Puts passages in one order by their places in several: the score is the sum of weight / (constant + place).

    Args:
        orders: int64 (found,) each: numbers of passages, the best first.
        weights: One for each order; None: 1.
        constant: How little the first places count above the later ones.

    Returns:
        Scores float32 and numbers int64, (passages,), the best first; of as good ones the lower number.

    Example:
        >>> reciprocal_rank_fusion([np.array([7, 3]), np.array([3])])[1].tolist()
        [3, 7]
    """
    weights = [1.0] * len(orders) if weights is None else weights
    numbers = np.concatenate([*orders, np.zeros(0, np.int64)]).astype(np.int64)
    shares = [weight / (constant + 1 + np.arange(len(order))) for order, weight in zip(orders, weights, strict=True)]
    distinct, where = np.unique(numbers, return_inverse=True)
    scores = np.bincount(where, np.concatenate([*shares, np.zeros(0)]), len(distinct))
    order = np.lexsort((distinct, -scores))
    return scores[order].astype(np.float32), distinct[order]


def score_fusion(
    words: tuple[np.ndarray, np.ndarray], meaning: tuple[np.ndarray, np.ndarray], weight: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Puts passages in one order by their scores in two: a weighted mean of both, each brought to 0 ... 1.

    BM25 begins at 0, for no word in common, and is divided by that of the best passage. Similarities begin anywhere;
    the last passage of the order counts 0 and the first 1. A passage that only one order has counts 0 in the other.

    Args:
        words: Scores of BM25 and numbers of passages, (found,), the best first.
        meaning: Similarities and numbers of passages, (found,), the best first.
        weight: Of the words.

    Returns:
        As `reciprocal_rank_fusion`; scores are from 0 to 1.

    Example:
        >>> words = np.array([8.0, 2.0]), np.array([7, 3])
        >>> score_fusion(words, (np.array([0.9, 0.8, 0.7]), np.array([3, 5, 7])))[1].tolist()
        [3, 7, 5]

    References:
        Bruch, Gai and Ingber 2023, An Analysis of Fusion Functions for Hybrid Retrieval, arXiv:2210.11934.
    """
    numbers = np.concatenate([words[1], meaning[1]]).astype(np.int64)
    by_words = words[0] / (words[0][0] if len(words[0]) else 1)
    low, high = (meaning[0][-1], meaning[0][0]) if len(meaning[0]) else (0.0, 0.0)
    by_meaning = (meaning[0] - low) / (high - low) if high > low else np.ones(len(meaning[0]))
    distinct, where = np.unique(numbers, return_inverse=True)
    shares = np.concatenate([weight * by_words, (1 - weight) * by_meaning])
    scores = np.bincount(where, shares, len(distinct)).astype(np.float32)
    order = np.lexsort((distinct, -scores))
    return scores[order], distinct[order]
