"""Doubtful labels: those that were made wrong, found by models that have not seen them."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.evaluation.label_noise import label_noise
from keras_bert.tasks import BertClassifier
from keras_bert.tasks.pooled.head import MULTI_LABEL
from keras_bert.trust.audit.labels import LISTED, audit_labels
from tests.tasks import tiny

TEXTS = [f"the {noun} was {adjective}" for noun in ("film", "food", "book") for adjective in ("good", "bad")] * 8
TRUE = ["yes" if text.endswith("good") else "no" for text in TEXTS]
WRONG = [3, 20, 41]
LABELS = [{"yes": "no", "no": "yes"}[label] if index in WRONG else label for index, label in enumerate(TRUE)]


def build() -> BertClassifier:
    return tiny.classifier(["no", "yes"], config=tiny.without_dropout())


def listed(finding) -> list[dict]:
    return [json.loads(line) for line in finding.files[LISTED].split("\n") if line]


@pytest.mark.slow
def test_labels_made_wrong_are_found_fold_by_fold():
    rows = tiny.dataset(LABELS, texts=TEXTS)
    found = audit_labels(build, rows, folds=2, epochs=10, learning_rate=3e-3, train_batch_size=8)
    entries = listed(found)
    assert {entry["row"] for entry in entries} == set(WRONG)
    assert all(entry["label"] == LABELS[entry["row"]] for entry in entries)
    assert all(entry["guess"] == TRUE[entry["row"]] for entry in entries)
    assert all(entry["text"] == TEXTS[entry["row"]] for entry in entries)
    assert found.summary["rows worth a look"].startswith("3 of 48")


def test_each_row_is_asked_of_a_model_that_has_not_seen_it(monkeypatch):
    """Training is replaced by remembering the texts."""
    seen: dict[int, int] = {}

    def fit(self: BertClassifier, batches: Any, **_: Any) -> None:
        seen[id(self)] = sum(len(targets) for _, targets in batches)

    monkeypatch.setattr(BertClassifier, "fit", fit)
    made: list[BertClassifier] = []

    def counted() -> BertClassifier:
        made.append(build())
        return made[-1]

    found = audit_labels(counted, tiny.dataset(LABELS, texts=TEXTS), folds=2)
    assert [seen[id(task)] for task in made] == [24, 24]
    # All models are alike here, so that the outputs must be those of one in the order of the rows.
    alone = audit_labels(build(), tiny.dataset(LABELS, texts=TEXTS))
    assert found.details["doubtful"] == alone.details["doubtful"]
    assert found.files == alone.files


def test_a_trained_model_is_asked_as_it_is():
    task = build()
    found = audit_labels(task, tiny.dataset(LABELS, texts=TEXTS))
    answers = task.answer(TEXTS, scores=True)
    probabilities = np.array([list(answer["scores"].values()) for answer in answers])
    expected = label_noise(np.array([task.labels.index(label) for label in LABELS]), probabilities)
    assert found.details["doubtful"] == expected.rows.tolist()
    assert np.array(found.details["joint"]) == pytest.approx(expected.joint, abs=1e-3)


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        (build, {"folds": 1}, "folds is 1; expected 2 or more"),
        (build, {"folds": 49}, "48 rows cannot be dealt out into 49 folds"),
        (lambda: tiny.classifier(problem_type=MULTI_LABEL, config=tiny.without_dropout()), {}, "one label each"),
    ],
)
def test_bad_input_is_one_line(model: Callable[[], BertClassifier], options: dict, words: str):
    with pytest.raises(InputError, match=words):
        audit_labels(model, tiny.dataset(LABELS, texts=TEXTS), **options)


def test_another_task():
    with pytest.raises(InputError, match="'labels' is for classifiers; this model is a BertRegressor"):
        audit_labels(tiny.regressor(config=tiny.without_dropout()), tiny.dataset(LABELS, texts=TEXTS))
