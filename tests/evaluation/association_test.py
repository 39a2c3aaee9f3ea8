"""Tests of association by brute force over all partitions, and where the truth is known."""

import itertools

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.evaluation.association import association


def vectors(seed: int, count: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 6))


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def strength(target: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    return np.mean([cosine(target, other) for other in first]) - np.mean([cosine(target, other) for other in second])


def test_four_and_four_by_brute_force():
    """70 partitions, each statistic written out as Caliskan et al. have it."""
    x, y, a, b = (vectors(seed) for seed in range(4))
    found = association(x, y, a, b)
    of_each = np.array([strength(target, a, b) for target in (*x, *y)])
    effect = (of_each[:4].mean() - of_each[4:].mean()) / of_each.std(ddof=1)
    hits = 0
    for part in itertools.combinations(range(8), 4):
        rest = [place for place in range(8) if place not in part]
        hits += of_each[list(part)].sum() - of_each[rest].sum() >= of_each[:4].sum() - of_each[4:].sum() - 1e-12
    assert found.effect_size == pytest.approx(effect)
    assert (found.p_value, found.partitions, found.is_exact) == (hits / 70, 70, True)
    low, high = found.interval
    assert low < found.effect_size < high


def test_targets_that_are_their_attributes():
    x, y = vectors(0), vectors(1)
    found = association(x, y, x, y)
    assert found.effect_size > 1.5
    assert found.p_value == 1 / 70
    assert association(y, x, x, y).effect_size == pytest.approx(-found.effect_size)


def test_samples_agree_with_all_partitions():
    x, y, a, b = (vectors(seed, 8) for seed in range(4))
    exact, sampled = association(x, y, a, b), association(x, y, a, b, samples=5000)
    assert (exact.partitions, sampled.partitions, sampled.is_exact) == (12_870, 5000, False)
    assert sampled.p_value == pytest.approx(exact.p_value, abs=0.03)


@pytest.mark.parametrize(
    ("sets", "words"),
    [
        ([vectors(0), vectors(1), vectors(2), np.zeros((0, 6))], "second_attributes: expected vectors"),
        ([vectors(0), np.zeros((4, 6)), vectors(2), vectors(3)], "second_targets: a vector of length 0"),
        ([vectors(0), vectors(1), vectors(2), np.ones((4, 5))], "unlike sizes"),
        ([np.ones((2, 6)), np.ones((2, 6)), vectors(2), vectors(3)], "associated alike"),
        ([vectors(0, 1), vectors(1, 1), vectors(2), vectors(3)], "three targets at least"),
    ],
)
def test_bad_input_is_one_line(sets: list[np.ndarray], words: str):
    with pytest.raises(InputError, match=words):
        association(*sets)
