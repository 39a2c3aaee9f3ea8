"""Calibration against numbers by hand, closed forms and known temperatures."""

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.evaluation.calibration import (
    abstention_threshold,
    confidences_of,
    fit_temperature,
    negative_log_likelihood,
    reliability,
)


def drawn(temperature: float, rows: int = 20_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and classes drawn from the softmax of logits / temperature."""
    random = np.random.default_rng(seed)
    logits = 3 * random.normal(size=(rows, 3))
    return logits, (logits / temperature + random.gumbel(size=logits.shape)).argmax(axis=1)


def test_the_error_by_hand():
    """Bins (lo, hi]: 2/6 · 0.05 + 1/6 · 0.85 + 1/6 · 0.25 + 2/6 · 0.15."""
    found = reliability(np.array([0.95, 0.95, 0.85, 0.75, 0.65, 0.65]), np.array([1, 1, 0, 1, 1, 0]))
    assert found.error == pytest.approx(0.25)
    assert found.counts.tolist() == [0] * 9 + [2, 0, 1, 1, 0, 2]
    assert found.to_dict()["counts"] == found.counts.tolist()


def test_a_bin_holds_its_upper_end_and_not_its_lower():
    found = reliability(np.array([0.2, 0.4, 1.0, 0.0]), np.ones(4), bins=5)
    assert found.counts.tolist() == [2, 1, 0, 0, 1]


def test_what_is_said_is_so_of_a_calibrated_model():
    logits, targets = drawn(1.0)
    assert reliability(*confidences_of(logits, targets)).error < 0.01


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_rows_were_drawn_with(temperature: float):
    assert fit_temperature(*drawn(temperature)) == pytest.approx(temperature, rel=0.03)


def test_logits_times_three_triple_the_temperature():
    logits, targets = drawn(1.7, 500)
    assert fit_temperature(3 * logits, targets) == pytest.approx(3 * fit_temperature(logits, targets), rel=1e-9)


def test_no_other_temperature_is_better():
    logits, targets = drawn(1.7, 500)
    best = fit_temperature(logits, targets)
    losses = [negative_log_likelihood(logits / (best * factor), targets) for factor in (0.99, 1.0, 1.01)]
    assert losses[1] < min(losses[0], losses[2])


def test_several_labels_have_one_temperature_of_sigmoids():
    random = np.random.default_rng(0)
    logits = 3 * random.normal(size=(10_000, 4))
    targets = (random.random(logits.shape) < 1 / (1 + np.exp(-logits / 2))).astype(float)
    assert fit_temperature(logits, targets) == pytest.approx(2, rel=0.03)
    confidences, right = confidences_of(logits, targets, 2.0)
    assert confidences.shape == right.shape == (40_000,)
    assert reliability(confidences, right).error < 0.01
    shares = 1 / (1 + np.exp(-logits / 2))
    by_hand = -np.mean(targets * np.log(shares) + (1 - targets) * np.log(1 - shares))
    assert negative_log_likelihood(logits / 2, targets) == pytest.approx(by_hand)


def test_confidence_is_the_highest_probability():
    logits = np.array([[1.0, 3.0, 0.0], [5.0, 1.0, 1.0]])
    powers = np.exp(logits / 2)
    confidences, right = confidences_of(logits, np.array([1, 2]), 2.0)
    assert confidences == pytest.approx((powers / powers.sum(axis=1, keepdims=True)).max(axis=1))
    assert right.tolist() == [True, False]


def test_the_most_answers_with_the_accuracy_wanted():
    confidences, right = np.array([0.9, 0.8, 0.8, 0.7, 0.6]), np.array([1, 0, 1, 1, 0])
    kept = abstention_threshold(confidences, right, 0.75)
    assert (kept.threshold, kept.answered, kept.right) == (pytest.approx(0.65), 4, 3)
    assert abstention_threshold(confidences, right, 0.6).threshold == 0  # all are answered
    assert abstention_threshold(confidences, right, 1.0).answered == 1  # of the two with 0.8 both or none


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fit_temperature(np.eye(3), np.arange(3)), "all 3 rows are answered right"),
        (lambda: fit_temperature(np.eye(2), np.array([1, 0])), "knows no more of them than chance"),
        (lambda: fit_temperature(np.zeros((0, 2)), np.zeros(0, int)), "there are no rows"),
        (lambda: fit_temperature(np.eye(3), np.arange(2)), "expected as many rows"),
        (lambda: reliability(np.array([]), np.array([])), "there are no rows"),
        (lambda: reliability(np.array([1.2]), np.array([1])), "expected probabilities"),
        (lambda: reliability(np.array([0.5]), np.array([1, 0])), "expected \\(rows,\\) twice"),
        (lambda: abstention_threshold(np.array([0.9, 0.8]), np.array([0, 1]), 0.9), "0 of the 1 surest are right"),
        (lambda: abstention_threshold(np.array([0.9]), np.array([1]), 95), "such as 0.95"),
    ],
)
def test_bad_input_is_one_line(call, words: str):
    with pytest.raises(InputError, match=words):
        call()
