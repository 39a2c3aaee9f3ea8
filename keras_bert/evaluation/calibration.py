"""Whether probabilities mean what they say: expected calibration error, one temperature, a threshold to abstain by."""

import dataclasses
from typing import Any

import numpy as np

from keras_bert.errors import InputError

BINS = 15
"""Bins of confidence, as most papers have them (Guo et al. 2017)."""

_LEAST, _MOST = 1e-3, 1e3  # a temperature beyond is none


@dataclasses.dataclass(frozen=True)
class Reliability:
    """What is right of what is said with a confidence, bin by bin.

    Attributes:
        counts: int (bins,): decisions of which the confidence lies in a bin, (lo, hi].
        confidence: float (bins,), the mean confidence of each; nan of an empty one.
        accuracy: float (bins,), the share of them that is right.
        error: Expected calibration error: the mean over all decisions of the gap between the two.
    """

    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    error: float

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(self).items()}


def reliability(confidences: np.ndarray, right: np.ndarray, bins: int = BINS) -> Reliability:
    """Compares confidences with how often they are right, in bins of equal width.

    Args:
        confidences: float (decisions,), between 0 and 1.
        right: bool (decisions,).
        bins: How many.

    Raises:
        InputError: No decisions, or a confidence that is no probability.

    Example:
        >>> confidences = np.array([0.95, 0.95, 0.85, 0.75, 0.65, 0.65])
        >>> round(reliability(confidences, np.array([1, 1, 0, 1, 1, 0])).error, 4)
        0.25

    References:
        Guo et al. 2017, arXiv:1706.04599, section 2, equation 3.
    """
    confidences, right = np.asarray(confidences, np.float64), np.asarray(right, np.float64)
    _check(confidences, right)
    place = np.searchsorted(np.arange(1, bins) / bins, confidences, side="left")
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(place, confidences, bins) / counts
        accuracy = np.bincount(place, right, bins) / counts
    filled = counts > 0
    error = float(np.sum(counts[filled] * np.abs(accuracy - confidence)[filled]) / len(confidences))
    return Reliability(counts, confidence, accuracy, error)


def fit_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """Finds the one temperature that makes held-out rows likeliest: the logits divided by it have the least loss.

    The loss is convex in the inverse of the temperature, so that its slope has one zero, which is found by halving.
    Classes and their order stay what they are.

    Args:
        logits: float (rows, classes).
        targets: int (rows,), the class of each row: a softmax. Or zeros and ones (rows, classes): a sigmoid for each
            class by itself, all with the same temperature.

    Returns:
        The temperature: above 1 for a model that is too sure of itself.

    Raises:
        InputError: No rows; or no temperature is the best: of rows that are all answered right, or of which the logits
            tell nothing.

    Example:
        >>> logits = np.array([[2.0, 0.0], [2.0, 0.0], [2.0, 0.0]])
        >>> round(fit_temperature(logits, np.array([0, 0, 1])), 4)  # logit 0.693, for two of three
        2.8854

    References:
        Guo et al. 2017, arXiv:1706.04599, section 4.2.
    """
    logits, targets = np.asarray(logits, np.float64), np.asarray(targets)
    if not logits.size:
        raise InputError("there are no rows to find a temperature by")
    if targets.shape not in (logits.shape, logits.shape[:1]):
        raise InputError(f"logits have shape {logits.shape}, targets {targets.shape}; expected as many rows")

    def slope(inverse: float) -> float:
        scaled = logits * inverse
        if targets.ndim == 2:
            return float(np.mean((0.5 + 0.5 * np.tanh(scaled / 2) - targets) * logits))
        powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        expected = (powers * logits).sum(axis=1) / powers.sum(axis=1)
        return float(np.mean(expected - np.take_along_axis(logits, targets[:, None], axis=1)[:, 0]))

    low, high = np.log(1 / _MOST), np.log(1 / _LEAST)
    if slope(np.exp(low)) >= 0:
        raise InputError(
            "no temperature makes these rows likelier: the model knows no more of them than chance does; are they of "
            "its task, and their labels in its classes' order?"
        )
    if slope(np.exp(high)) <= 0:
        raise InputError(
            f"all {len(logits):,} rows are answered right, so the surer the better and no temperature is the best; "
            "take more held-out rows, harder ones among them"
        )
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(np.exp(middle)) < 0 else (low, middle)
    return float(np.exp(-(low + high) / 2))


def negative_log_likelihood(logits: np.ndarray, targets: np.ndarray) -> float:
    """Returns the mean over the rows (and classes, for sigmoids) of -log p; arguments as for `fit_temperature`."""
    logits, targets = np.asarray(logits, np.float64), np.asarray(targets)
    if targets.ndim == 2:
        return float(np.mean(np.logaddexp(0, logits) - targets * logits))
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(shifted).sum(axis=1))
    return float(np.mean(log_sums - np.take_along_axis(shifted, targets[:, None], axis=1)[:, 0]))


def confidences_of(logits: np.ndarray, targets: np.ndarray, temperature: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Returns how sure each decision is, and whether it is right.

    Args:
        logits: As for `fit_temperature`.
        targets: As there. With several labels a row each class is a decision, yes or no, and the surer of the two its
            confidence.
        temperature: What the logits are divided by.

    Returns:
        float and bool (rows,), or (rows · classes,).
    """
    scaled, targets = np.asarray(logits, np.float64) / temperature, np.asarray(targets)
    if targets.ndim == 2:
        right = (scaled >= 0) == (targets > 0.5)
        return (0.5 + 0.5 * np.tanh(np.abs(scaled) / 2)).ravel(), right.ravel()
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return 1 / powers.sum(axis=1), scaled.argmax(axis=1) == targets


@dataclasses.dataclass(frozen=True)
class Abstention:
    """From which confidence on answers are to be given.

    Attributes:
        threshold: Answers below it are held back.
        answered: How many decisions are answered.
        right: How many of these are right.
    """

    threshold: float
    answered: int
    right: int


def abstention_threshold(confidences: np.ndarray, right: np.ndarray, accuracy: float) -> Abstention:
    """Finds the lowest confidence from which on at least a wanted share of the answers is right.

    Args:
        confidences: float (decisions,).
        right: bool (decisions,).
        accuracy: The share of right answers that is wanted, up to 1.

    Returns:
        The threshold, halfway between the least confidence that is answered and the next; 0 where all are answered.

    Raises:
        InputError: No decisions, an accuracy that is none, or one that even the surest answers do not reach.

    Example:
        >>> abstention_threshold(np.array([0.9, 0.8, 0.7, 0.6]), np.array([1, 1, 0, 1]), 0.9).threshold
        0.75

    References:
        El-Yaniv and Wiener 2010, "On the foundations of noise-free selective classification".
    """
    confidences, right = np.asarray(confidences, np.float64), np.asarray(right, bool)
    _check(confidences, right)
    if not 0 < accuracy <= 1:
        raise InputError(f"accuracy is {accuracy}; expected the share of right answers that is wanted, such as 0.95")
    order = np.argsort(-confidences, kind="stable")
    sorted_, hits = confidences[order], np.cumsum(right[order])
    counts = np.arange(1, len(order) + 1)
    # Equal confidences are answered all or none.
    is_end = np.append(sorted_[:-1] > sorted_[1:], True)
    fits = np.flatnonzero(is_end & (hits >= accuracy * counts - 1e-9))
    if not fits.size:
        surest = f"{hits[is_end][0]} of the {counts[is_end][0]} surest are right"
        raise InputError(
            f"no confidence gives an accuracy of {accuracy:g}: of {len(order):,} rows, {surest}; want less"
        )
    last = int(fits[-1])
    threshold = 0.0 if last == len(order) - 1 else float((sorted_[last] + sorted_[last + 1]) / 2)
    return Abstention(threshold, int(counts[last]), int(hits[last]))


def _check(confidences: np.ndarray, right: np.ndarray) -> None:
    if confidences.shape != right.shape or confidences.ndim != 1:
        raise InputError(f"confidences have shape {confidences.shape}, right {right.shape}; expected (rows,) twice")
    if not confidences.size:
        raise InputError("there are no rows to measure calibration on")
    if not (confidences >= 0).all() or not (confidences <= 1).all():
        raise InputError(f"confidences go from {confidences.min()} to {confidences.max()}; expected probabilities")
