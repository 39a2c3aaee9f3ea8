"""The official score of SemEval-2010 Task 8 against cases worked by hand, and against its definition by a matrix."""

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.evaluation.relations import has_directions, relation_scores


def test_directions_count_and_other_does_not():
    """A: 3 there, 4 proposed, 2 right. B: 2 there, 1 proposed, 1 right. Other is right once and wrong twice."""
    targets = ["A(e1,e2)", "A(e2,e1)", "A(e1,e2)", "B(e1,e2)", "B(e2,e1)", "Other", "Other"]
    predictions = ["A(e1,e2)", "A(e2,e1)", "A(e2,e1)", "B(e1,e2)", "Other", "Other", "A(e1,e2)"]
    scores = relation_scores(targets, predictions)
    assert scores == pytest.approx(
        {
            "relation_precision": (2 / 4 + 1 / 1) / 2,
            "relation_recall": (2 / 3 + 1 / 2) / 2,
            "relation_f1": (4 / 7 + 2 / 3) / 2,
        }
    )


def test_the_mean_is_of_f1_not_the_f1_of_means():
    scores = relation_scores(["A(e1,e2)", "B(e1,e2)"], ["A(e1,e2)", "A(e1,e2)"])
    assert scores["relation_f1"] == pytest.approx((2 / 3 + 0) / 2)


def test_it_is_the_scorers_confusion_matrix():
    """The scorer keeps relations without direction and a further column for the right one in the wrong direction."""
    rng = np.random.default_rng(0)
    labels = [f"{name}({direction})" for name in "ABCDEFGHI" for direction in ("e1,e2", "e2,e1")] + ["Other"]
    targets, predictions = (rng.choice(labels, 400).tolist() for _ in range(2))
    predictions = [t if keep else p for t, p, keep in zip(targets, predictions, rng.random(400) < 0.6, strict=True)]
    names = [*"ABCDEFGHI", "Other", "wrong direction"]
    matrix = np.zeros((11, 11))
    for target, prediction in zip(targets, predictions, strict=True):
        row, column = target.split("(")[0], prediction.split("(")[0]
        if row == column and target != prediction:
            column = "wrong direction"
        matrix[names.index(row), names.index(column)] += 1
    right = np.diag(matrix)[:9]
    precision = right / (matrix[:, :9].sum(0) + matrix[:9, 10])
    recall = right / matrix[:9].sum(1)
    expected = (2 * precision * recall / (precision + recall)).mean()
    assert relation_scores(targets, predictions)["relation_f1"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["A(e1,e2)", "A(e2,e1)"], True),
        (["A(e1,e2)", "Other"], True),
        (["Other"], False),
        (["A(e1,e2)", "B"], False),
        (["A(e1)", "A(e2,e1,e3)"], False),
        ([], False),
    ],
)
def test_labels_with_directions_are_told_by_their_form(labels: list[str], expected: bool):
    assert has_directions(labels) is expected


def test_labels_that_cannot_be_scored_are_refused():
    with pytest.raises(InputError, match="no relation among the labels"):
        relation_scores(["Other"], ["A(e1,e2)"])
    with pytest.raises(InputError, match="2 labels and 1 predictions"):
        relation_scores(["Other", "Other"], ["Other"])
