"""Runs of whole numbers, side by side."""

import numpy as np


def ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Returns `starts[0], starts[0] + 1, ...`, as many as `lengths[0]` says, then those of the next.

    Args:
        starts: Whole numbers (n,).
        lengths: Whole numbers (n,), 0 or more.

    Returns:
        int64 (sum of lengths,).

    Example:
        >>> ranges(np.array([7, 2]), np.array([3, 2])).tolist()
        [7, 8, 9, 2, 3]
    """
    lengths = lengths.astype(np.int64)
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(starts.astype(np.int64) - (ends - lengths), lengths) + np.arange(total)
