"""Whether two sets of words lie nearer to one set of attributes than to another, as vectors: WEAT, SEAT."""

import dataclasses
import itertools
import math

import numpy as np

from keras_bert.errors import InputError
from keras_bert.evaluation.intervals import percentile_interval

SAMPLES = 100_000
"""Partitions that are tried at most, as May et al. have it."""


@dataclasses.dataclass(frozen=True)
class Association:
    """What a test of association gives.

    Attributes:
        effect_size: How many standard deviations the two targets lie apart; above 0 the first goes with the first
            attributes.
        interval: Its 95 % bootstrap interval over the examples of both targets.
        p_value: The share of partitions of all targets into two sets of these sizes that give as much or more.
        partitions: How many were tried.
        is_exact: Whether these are all that there are.
    """

    effect_size: float
    interval: tuple[float, float]
    p_value: float
    partitions: int
    is_exact: bool


def association(
    first_targets: np.ndarray,
    second_targets: np.ndarray,
    first_attributes: np.ndarray,
    second_attributes: np.ndarray,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Association:
    """Tests whether the first targets go with the first attributes and the second with the second.

    For each target w, s(w) is the mean cosine with the first attributes less that with the second; the effect size is
    the difference of the means of s over both targets, by the standard deviation of s over all of them (ddof = 1).

    Args:
        first_targets: float (examples, size).
        second_targets: As many, or not.
        first_attributes: float (examples, size).
        second_attributes: float (examples, size).
        samples: Partitions to try at most; where there are no more, all are, and the p-value is exact. Else one hit is
            added, so that it is never 0.
        seed: Of the sampling.

    Raises:
        InputError: A set without vectors, vectors of other sizes, one of length 0, or targets that all have the same s.

    Example:
        >>> import numpy as np
        >>> found = association(np.array([[1.0, 0.1], [1.0, 0.0]]), np.array([[0.1, 1.0], [0.0, 1.0]]),
        ...     np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))
        >>> found.effect_size > 1
        True

    References:
        Caliskan et al. 2017, arXiv:1608.07187, "Word Embedding Association Test"; May et al. 2019, arXiv:1903.10561;
        W4ngatang/sent-bias, weat.py: equal partitions count as a hit there too.
    """
    sets = [
        _of_length_one(name, vectors)
        for name, vectors in (
            ("first_targets", first_targets),
            ("second_targets", second_targets),
            ("first_attributes", first_attributes),
            ("second_attributes", second_attributes),
        )
    ]
    if len({vectors.shape[1] for vectors in sets}) > 1:
        raise InputError(f"the vectors have unlike sizes: {[vectors.shape[1] for vectors in sets]}")
    size, targets = len(sets[0]), np.concatenate(sets[:2])
    if len(targets) < 3:
        raise InputError("there must be three targets at least; a spread cannot be told of two")
    strengths = (targets @ sets[2].T).mean(axis=1) - (targets @ sets[3].T).mean(axis=1)
    spread = strengths.std(ddof=1)
    if spread <= 1e-12:
        raise InputError("all targets are associated alike with the attributes: no effect size can be told")
    effect = float((strengths[:size].mean() - strengths[size:].mean()) / spread)
    p_value, tried, is_exact = _p_value(strengths, size, samples, np.random.default_rng(seed))
    return Association(effect, _interval(strengths, size, seed), p_value, tried, is_exact)


def _of_length_one(name: str, vectors: np.ndarray) -> np.ndarray:
    vectors = np.asarray(vectors, np.float64)
    if vectors.ndim != 2 or not vectors.size:
        raise InputError(f"{name}: expected vectors, (examples, size), found the shape {vectors.shape}")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (lengths > 0).all():
        raise InputError(f"{name}: a vector of length 0 has no direction")
    return vectors / lengths


def _p_value(strengths: np.ndarray, size: int, samples: int, random: np.random.Generator) -> tuple[float, int, bool]:
    """Returns the share of partitions with as much or more in the first part, how many were tried, and if all were."""
    # Sums of the same numbers in another order differ in their last bits; such partitions are equal.
    needed = strengths[:size].sum() - 1e-9 * np.abs(strengths).sum()
    total = math.comb(len(strengths), size)
    if total <= samples:
        parts = itertools.combinations(range(len(strengths)), size)
        hits = sum(strengths[list(part)].sum() >= needed for part in parts)
        return float(hits / total), total, True
    hits, left = 1, samples - 1
    while left:
        count = min(left, 1 + 2_000_000 // len(strengths))
        order = random.random((count, len(strengths))).argpartition(size - 1, axis=1)[:, :size]
        hits += int((strengths[order].sum(axis=1) >= needed).sum())
        left -= count
    return hits / samples, samples, False


def _interval(strengths: np.ndarray, size: int, seed: int, draws: int = 2000) -> tuple[float, float]:
    random = np.random.default_rng(seed)
    first, second = strengths[:size], strengths[size:]
    if min(len(first), len(second)) < 2:
        return float("nan"), float("nan")
    firsts = first[random.integers(0, len(first), (draws, len(first)))]
    seconds = second[random.integers(0, len(second), (draws, len(second)))]
    spreads = np.concatenate([firsts, seconds], axis=1).std(axis=1, ddof=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        effects = (firsts.mean(axis=1) - seconds.mean(axis=1)) / spreads
    return percentile_interval(effects)
