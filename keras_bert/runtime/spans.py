"""From the log-probabilities of windows to the best spans of a text, as in the graph."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

IMPOSSIBLE = -1e9


class Spans(NamedTuple):
    """The best spans of a row, the likeliest first.

    Attributes:
        scores: float32 (spans,), log-probabilities.
        starts: Characters.
        ends: Characters.
        no_answer: The log-probability that there is none.
    """

    scores: np.ndarray
    starts: list[int]
    ends: list[int]
    no_answer: np.float32


def window_spans(
    told: np.ndarray, begins: np.ndarray, own: np.ndarray, max_answer_length: int, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Finds the best spans of a window: of whole words, each as likely as the likeliest of its tokens.

    Args:
        told: float32 (2, tokens), log-probabilities of the window's context, of beginning and of ending the answer.
        begins: bool (tokens,), a word begins in the token.
        own: bool (tokens,), the window is the one in which the token has most context.
        max_answer_length: Tokens of a span.
        count: Spans to find.

    Returns:
        Scores, first and last tokens, (spans,) each.

    References:
        github.com/google-research/bert, run_squad.py, `write_predictions`
    """
    if not told.shape[1]:
        none = np.zeros(0, np.int64)
        return np.zeros(0, np.float32), none, none
    is_first = begins.copy()
    is_first[0] = True
    group = np.cumsum(is_first) - 1
    starts, ends = np.maximum.reduceat(told, np.flatnonzero(is_first), axis=1)[:, group]
    is_last = np.append(is_first[1:], True)
    starts = np.where(is_first & own, starts, np.float32(IMPOSSIBLE))
    ends = np.where(is_last, ends, np.float32(IMPOSSIBLE))
    ends = np.pad(ends, (0, max_answer_length - 1), constant_values=IMPOSSIBLE)
    totals = starts[:, None] + np.lib.stride_tricks.sliding_window_view(ends, max_answer_length)
    flat = totals.reshape(-1)
    real = np.flatnonzero(flat > IMPOSSIBLE / 2)
    best = real[np.argsort(-flat[real], kind="stable")[:count]]
    first = best // max_answer_length
    return flat[best], first, first + best % max_answer_length


def best_spans(
    windows: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], no_answer: np.float32, count: int
) -> Spans:
    """Chooses the best spans of a row from those of its windows; of equals the first."""
    scores, starts, ends = (np.concatenate(parts) for parts in zip(*windows, strict=True))
    order = np.argsort(-scores, kind="stable")[:count]
    return Spans(scores[order], starts[order].tolist(), ends[order].tolist(), no_answer)
