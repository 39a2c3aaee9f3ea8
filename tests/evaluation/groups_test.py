"""Group scores by hand, beside fairlearn where it is installed, and on groups that are treated alike."""

import math

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.evaluation.groups import group_scores


def two_groups() -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Group a: 8 true positives of 10, 4 false ones of 10; group b: 3 of 5 and 3 of 15."""
    cells = {("a", 1, 1): 8, ("a", 1, 0): 2, ("a", 0, 1): 4, ("a", 0, 0): 6}
    cells |= {("b", 1, 1): 3, ("b", 1, 0): 2, ("b", 0, 1): 3, ("b", 0, 0): 12}
    rows = [cell for cell, count in cells.items() for _ in range(count)]
    groups, targets, predictions = zip(*rows, strict=True)
    return np.array(targets), np.array(predictions), list(groups)


def test_scores_and_differences_by_hand():
    found = group_scores(*two_groups(), labels=["no", "yes"], least_rows=10, draws=200)
    first, second = found["groups"]["a"], found["groups"]["b"]
    assert (first["accuracy"]["value"], second["accuracy"]["value"]) == pytest.approx((14 / 20, 15 / 20))
    assert list(first["classes"]) == ["yes"]  # of two classes one is the other's mirror
    of_class = {name: entry["value"] for name, entry in first["classes"]["yes"].items()}
    expected = {"rate": 12 / 20, "base_rate": 1 / 2, "precision": 8 / 12, "recall": 0.8, "false_positive_rate": 0.4}
    assert of_class == pytest.approx(expected)
    apart = {name: entry["value"] for name, entry in found["differences"]["yes"].items()}
    assert apart == pytest.approx(
        {"rate": 0.3, "rate_ratio": 0.5, "recall": 0.2, "false_positive_rate": 0.2, "equalized_odds": 0.2}
    )
    assert found["differences"]["accuracy"]["value"] == pytest.approx(0.05)
    low, high = first["accuracy"]["interval"]
    assert low < 0.7 < high
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(0.7 * 0.3 / 20), abs=0.08)


def test_differences_are_those_of_fairlearn():
    metrics = pytest.importorskip("fairlearn.metrics", reason="fairlearn is not installed")
    random = np.random.default_rng(0)
    targets, predictions = random.integers(0, 2, (2, 600))
    groups = random.choice(["x", "y", "z"], 600)
    apart = group_scores(targets, predictions, groups.tolist(), ["no", "yes"], draws=100)["differences"]["yes"]
    of_fairlearn = {
        "rate": metrics.demographic_parity_difference,
        "rate_ratio": metrics.demographic_parity_ratio,
        "recall": metrics.equal_opportunity_difference,
        "equalized_odds": metrics.equalized_odds_difference,
    }
    for name, function in of_fairlearn.items():
        expected = function(targets, predictions, sensitive_features=groups)
        assert apart[name]["value"] == pytest.approx(expected), name


def test_groups_that_are_treated_alike_differ_as_chance_has_it():
    """In 100 such data sets about 5 lie above what chance gives in 95 of 100 cases."""
    random = np.random.default_rng(1)
    above = 0
    for seed in range(60):
        targets = random.integers(0, 3, 200)
        predictions = np.where(random.random(200) < 0.7, targets, random.integers(0, 3, 200))
        groups = random.choice(["x", "y"], 200).tolist()
        found = group_scores(targets, predictions, groups, ["a", "b", "c"], draws=100, seed=seed)
        accuracy = found["differences"]["accuracy"]
        above += accuracy["value"] > accuracy["by_chance"]
    assert above <= 9


def test_several_labels_and_what_cannot_be_told():
    targets = np.array([[1, 0], [1, 1], [0, 0], [1, 0]] * 2)
    predictions = np.array([[1, 0], [0, 1], [0, 0], [0, 0]] * 2)
    found = group_scores(targets, predictions, ["a"] * 4 + ["b"] * 4, ["p", "q"], least_rows=2, draws=100)
    assert found["groups"]["a"]["accuracy"]["value"] == 0.5
    assert found["groups"]["a"]["classes"]["p"]["recall"]["value"] == pytest.approx(1 / 3)
    assert found["differences"]["q"]["equalized_odds"]["value"] == 0
    alone = group_scores(np.array([1, 1, 0, 0]), np.zeros(4, int), list("aabb"), ["no", "yes"], least_rows=2, draws=100)
    assert math.isnan(alone["differences"]["yes"]["recall"]["value"])  # b has no row of the class
    none = group_scores(np.zeros(8, int), np.zeros(8, int), ["a", "b"] * 4, ["no", "yes"], least_rows=2, draws=100)
    assert math.isnan(none["groups"]["a"]["classes"]["yes"]["recall"]["value"])


def test_small_groups_are_counted_and_not_compared():
    targets, predictions, groups = two_groups()
    groups[:3] = ["rare"] * 3
    found = group_scores(targets, predictions, groups, ["no", "yes"], least_rows=10, draws=100)
    assert found["left_out"] == {"rare": 3}
    assert list(found["groups"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        (["a"] * 40, "all rows are of one group, 'a'"),
        (["a"] * 39 + ["b"], "fewer than two groups have 10 rows"),
        (["a"] * 4, "there are 4 groups"),
    ],
)
def test_bad_groups_are_one_line(groups: list[str], words: str):
    targets, predictions, _ = two_groups()
    with pytest.raises(InputError, match=words):
        group_scores(targets, predictions, groups, ["no", "yes"], least_rows=10)
