"""The likeliest sequence of labels that breaks no rule (Viterbi 1967, IEEE Trans. Inf. Theory 13(2))."""

import numpy as np


def best_path(scores: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Finds the allowed sequence of labels with the highest sum of scores.

    Args:
        scores: float32 (words, labels), log-probabilities.
        allowed: bool (labels + 1, labels + 1), `[before, label]`; the last row is the begin, the last column the end.

    Returns:
        int64 (words,), the labels.

    Example:
        >>> label_1_may_not_follow_label_0 = np.array([[1, 0, 1], [1, 1, 1], [1, 1, 1]], bool)
        >>> best_path(np.array([[1.0, 0.0], [0.0, 3.0]]), label_1_may_not_follow_label_0).tolist()
        [1, 1]
    """
    greedy = scores.argmax(-1)
    framed = np.concatenate([[len(allowed) - 1], greedy, [len(allowed) - 1]])
    if not len(greedy) or allowed[framed[:-1], framed[1:]].all():
        return greedy
    cost = np.where(allowed, 0.0, -np.inf)
    total = cost[-1, :-1] + scores[0]
    before = np.empty(scores.shape, np.int64)
    for word in range(1, len(scores)):
        ways = total[:, None] + cost[:-1, :-1]
        before[word] = ways.argmax(0)
        total = ways.max(0) + scores[word]
    path = np.empty(len(scores), np.int64)
    path[-1] = (total + cost[:-1, -1]).argmax()
    for word in range(len(scores) - 1, 0, -1):
        path[word - 1] = before[word, path[word]]
    return path
