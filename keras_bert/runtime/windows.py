"""Windows over a text that is longer than the model takes, and which window knows a token best."""

import numpy as np


def sliding_windows(length: int, size: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Cuts a row of tokens into windows that overlap.

    Args:
        length: Tokens of the row; one without tokens has one empty window.
        size: Most tokens of a window.
        stride: Tokens from the begin of one window to that of the next.

    Returns:
        First token and number of tokens of each window, int64 (windows,).

    Example:
        >>> [numbers.tolist() for numbers in sliding_windows(5, 4, 2)]
        [[0, 2], [4, 3]]
    """
    stride = min(stride, size)
    count = 1 + (max(length - size, 0) + stride - 1) // stride
    starts = np.arange(count) * stride
    return starts, np.minimum(length - starts, size)


def best_windows(starts: np.ndarray, lengths: np.ndarray, length: int) -> np.ndarray:
    """Says for each token in which window it has most context, the first of equal ones: int64 (tokens,)."""
    best, most = np.zeros(length, np.int64), np.full(length, -1, np.int64)
    for window, (start, size) in enumerate(zip(starts.tolist(), lengths.tolist(), strict=True)):
        before = np.arange(size)
        context = 100 * np.minimum(before, size - before - 1) + size
        part = slice(start, start + size)
        better = context > most[part]
        best[part][better] = window
        most[part][better] = context[better]
    return best
