"""Several orders of the same passages made into one."""

from collections.abc import Sequence

import numpy as np

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
