"""Scores against values worked out by hand from their formulas."""

import math

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.evaluation import scores


def test_two_classes():
    # true positives 2, false positives 1, false negatives 1, true negatives 2
    targets, predictions = np.array([1, 1, 1, 0, 0, 0]), np.array([1, 1, 0, 1, 0, 0])
    found = scores("single_label_classification", targets, predictions)
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["f1"] == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert found["matthews"] == pytest.approx((2 * 2 - 1 * 1) / math.sqrt(3 * 3 * 3 * 3))


def test_more_classes_have_macro_f1():
    found = scores("single_label_classification", np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2]))
    assert "f1" not in found
    assert found["macro_f1"] == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)


def test_classes_that_do_not_occur_still_count():
    rows = np.array([0, 1, 1]), np.array([0, 1, 0])
    assert set(scores("single_label_classification", *rows)) == {"accuracy", "f1", "matthews"}
    assert set(scores("single_label_classification", *rows, num_classes=3)) == {"accuracy", "macro_f1", "matthews"}


def test_a_run_that_diverged_has_no_correlation():
    found = scores("regression", np.array([1.0, 2.0, 3.0]), np.array([math.nan, 1.0, 2.0]))
    assert all(math.isnan(value) for value in found.values())


def test_always_the_same_answer_has_matthews_zero():
    found = scores("single_label_classification", np.array([0, 1, 1]), np.array([1, 1, 1]))
    assert found["matthews"] == 0
    assert found["f1"] == pytest.approx(0.8)


def test_several_labels():
    targets = np.array([[1, 0], [1, 1], [0, 0]])
    predictions = np.array([[1, 0], [0, 1], [0, 1]])
    found = scores("multi_label_classification", targets, predictions)
    assert found["accuracy"] == pytest.approx(1 / 3)
    assert found["micro_f1"] == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert found["macro_f1"] == pytest.approx((2 / 3 + 2 / 3) / 2)


def test_regression():
    targets, predictions = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 1.0, 4.0, 8.0])
    found = scores("regression", targets, predictions)
    assert found["mse"] == pytest.approx((1 + 1 + 1 + 16) / 4)
    # ranks 1 2 3 4 and 2 1 3 4: 1 - 6 * 2 / (4 * 15)
    assert found["spearman"] == pytest.approx(0.8)
    centered = predictions - predictions.mean()
    expected = (targets - 2.5) @ centered / math.sqrt(5 * (centered @ centered))
    assert found["pearson"] == pytest.approx(expected)


def test_a_constant_orders_nothing():
    found = scores("regression", np.array([1.0, 2.0]), np.array([3.0, 3.0]))
    assert (found["pearson"], found["spearman"]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("problem_type", "targets", "predictions", "message"),
    [
        ("regression", [], [], "no rows"),
        ("regression", [1.0], [1.0, 2.0], "shape"),
        ("ranking", [1], [1], "problem_type"),
    ],
)
def test_refusals(problem_type, targets, predictions, message):
    with pytest.raises(InputError, match=message):
        scores(problem_type, np.array(targets), np.array(predictions))


def test_macro_f1_means_the_same_for_one_label_and_for_several():
    """A class that is neither in the targets nor predicted has no F1; one that is predicted alone has 0."""
    targets, predictions = np.array([0, 0, 1, 1]), np.array([0, 2, 1, 1])
    one = scores("single_label_classification", targets, predictions, num_classes=5)
    several = scores("multi_label_classification", np.eye(5)[targets], np.eye(5)[predictions])
    assert one["macro_f1"] == several["macro_f1"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    nothing = scores("multi_label_classification", np.zeros((2, 3)), np.zeros((2, 3)))
    assert (nothing["macro_f1"], nothing["accuracy"]) == (0.0, 1.0)


def test_f1_of_each_of_two_classes():
    found = scores("single_label_classification", np.array([0, 1]), np.array([1, 1]), names=["a", "b"])
    assert list(found) == ["accuracy", "f1", "f1_b", "f1_a", "matthews"]
    assert (found["f1"], found["f1_b"], found["f1_a"]) == (pytest.approx(2 / 3), pytest.approx(2 / 3), 0.0)
