"""Confident learning by hand, beside cleanlab where it is installed, and on labels that were made wrong."""

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.evaluation.label_noise import label_noise


def noisy(rows: int = 600, classes: int = 4, wrong: float = 0.15, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Labels of which some are wrong, probabilities of a fair model of the true classes, and which are wrong."""
    random = np.random.default_rng(seed)
    true = random.integers(0, classes, rows)
    logits = random.normal(size=(rows, classes)) + 3 * np.eye(classes)[true]
    powers = np.exp(logits)
    is_wrong = random.random(rows) < wrong
    labels = np.where(is_wrong, (true + random.integers(1, classes, rows)) % classes, true)
    return labels, powers / powers.sum(axis=1, keepdims=True), is_wrong


def test_counts_by_hand():
    """Thresholds: (0.9 + 0.8 + 0.2) / 3 and (0.7 + 0.6) / 2; the third row is confidently of class 1."""
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]])
    found = label_noise(np.array([0, 0, 0, 1, 1]), probabilities)
    assert found.thresholds == pytest.approx([1.9 / 3, 0.65])
    assert found.counts.tolist() == [[2, 1], [0, 1]]
    assert found.joint == pytest.approx(np.array([[0.4, 0.2], [0, 0.4]]))
    assert (found.rows.tolist(), found.guesses.tolist()) == ([2], [1])
    assert found.margins == pytest.approx([-0.6])
    assert found.share == pytest.approx(0.2)


def test_counts_joint_and_rows_are_those_of_cleanlab():
    count = pytest.importorskip("cleanlab.count", reason="cleanlab is not installed")
    issues = pytest.importorskip("cleanlab.filter")
    labels, probabilities, _ = noisy()
    found = label_noise(labels, probabilities)
    joint = count.compute_confident_joint(labels, probabilities, calibrate=False)
    assert found.counts.tolist() == joint.tolist()
    assert found.joint == pytest.approx(count.estimate_joint(labels, probabilities, confident_joint=joint), abs=0.01)
    listed = issues.find_label_issues(
        labels,
        probabilities,
        filter_by="confident_learning",
        return_indices_ranked_by="normalized_margin",
        n_jobs=1,
    )
    assert found.rows.tolist() == listed.tolist()


def test_wrong_labels_are_found():
    labels, probabilities, is_wrong = noisy(2000)
    found = label_noise(labels, probabilities)
    assert is_wrong[found.rows].mean() > 0.8
    assert np.isin(np.flatnonzero(is_wrong), found.rows).mean() > 0.7
    assert found.share == pytest.approx(is_wrong.mean(), abs=0.04)


def test_a_class_without_rows():
    labels, probabilities, _ = noisy(100, 3)
    labels[labels == 2] = 0
    found = label_noise(labels, probabilities)
    assert np.isnan(found.thresholds[2])
    assert found.joint.sum() == pytest.approx(1)
    assert found.counts[:, 2].sum() == 0


@pytest.mark.parametrize(
    ("labels", "probabilities", "words"),
    [
        ([0, 1], [[0.5, 0.5]], "expected as many rows"),
        ([0, 2], [[0.5, 0.5], [0.5, 0.5]], "labels go from 0 to 2"),
        ([0], [[0.9, 0.9]], "must sum to 1"),
        ([], np.zeros((0, 2)), "there are no rows"),
    ],
)
def test_bad_input_is_one_line(labels: list, probabilities: list, words: str):
    with pytest.raises(InputError, match=words):
        label_noise(np.array(labels, int), np.array(probabilities))
