"""Entity scores: counted by hand, as conlleval does."""

import pytest

from keras_bert.errors import InputError
from keras_bert.evaluation import entity_scores


def test_by_hand():
    """Right: PER of two words, LOC. Wrong: ORG too short, a MISC that is a PER, a LOC too many."""
    targets = [["B-PER", "I-PER", "O", "B-LOC"], ["B-ORG", "I-ORG", "O", "B-MISC", "O"]]
    predictions = [["B-PER", "I-PER", "O", "B-LOC"], ["B-ORG", "O", "O", "B-PER", "B-LOC"]]
    scores = entity_scores(targets, predictions)
    assert (scores["precision"], scores["recall"]) == (2 / 5, 2 / 4)
    assert scores["f1"] == pytest.approx(2 * 2 / (5 + 4))
    assert scores["accuracy"] == pytest.approx(6 / 9)
    assert (scores["precision_PER"], scores["recall_PER"], scores["f1_PER"]) == (1 / 2, 1, pytest.approx(2 / 3))
    assert (scores["f1_ORG"], scores["f1_MISC"]) == (0, 0)
    assert scores["f1_LOC"] == pytest.approx(2 / 3)


def test_entities_side_by_side_are_two():
    scores = entity_scores([["B-PER", "B-PER"]], [["B-PER", "I-PER"]])
    assert (scores["precision"], scores["recall"]) == (0, 0)


def test_no_entities_at_all():
    scores = entity_scores([["O", "O"], []], [["O", "O"], []])
    totals = {"precision": 0, "recall": 0, "f1": 0, "accuracy": 1}
    assert scores == totals
    of_type = {"precision_X": 0, "recall_X": 0, "f1_X": 0}
    assert entity_scores([["O", "O"], []], [["O", "O"], []], ["X"]) == {**totals, **of_type}


@pytest.mark.parametrize(
    ("targets", "predictions", "message"),
    [([], [], "no sentences"), ([["O"]], [["O", "O"]], "words differ in number"), ([["O"]], [], "not of the same")],
)
def test_what_does_not_fit(targets: list, predictions: list, message: str):
    with pytest.raises(InputError, match=message):
        entity_scores(targets, predictions)
