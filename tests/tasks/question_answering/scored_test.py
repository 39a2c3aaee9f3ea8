"""Scores of answers, and the threshold that they tune."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.evaluation.squad import squad_scores
from tests.tasks import tiny_questions
from tests.tasks.tiny_questions import QUESTIONS, answerer

ASKED = [question[:2] for question in QUESTIONS]


def test_scores_are_those_of_the_answers():
    model, rows = answerer(doc_stride=5), tiny_questions.rows()
    outputs, targets = model.predict_rows(rows, batch_size=4)
    answers = model.answer(ASKED)
    assert [output["answer"] for output in outputs] == [answer["answer"] for answer in answers]
    assert [target["answers"] for target in targets] == [[answer] if answer else [] for _, _, answer in QUESTIONS]
    assert [target["id"] for target in targets] == [str(number) for number in range(len(QUESTIONS))]
    expected = squad_scores(
        [answer["answer"] for answer in answers],
        [target["answers"] for target in targets],
        [output["no_answer_log_odds"] for output in outputs],
    )
    for answer, output in zip(answers, outputs, strict=True):
        assert answer["no_answer_score"] == pytest.approx(1 / (1 + np.exp(-output["no_answer_log_odds"])), rel=1e-3)
    scores = model.evaluate_rows(rows, batch_size=4)
    assert scores == pytest.approx({**expected, "loss": scores["loss"]})
    assert model.monitor in scores


def test_the_threshold_decides_also_after_the_first_answer():
    model = answerer()
    scores = [answer["no_answer_score"] for answer in model.answer(ASKED)]
    model.no_answer_threshold = float(np.median(scores))
    answers = model.answer(ASKED)
    assert [bool(answer["answer"]) for answer in answers] == [score <= np.median(scores) for score in scores]
    assert {(answer["start"], answer["end"]) for answer in answers if not answer["answer"]} == {(0, 0)}


def test_thresholds_that_are_one_as_scores_differ_as_log_odds():
    """A model that is sure there is no answer: its scores are 1.0 in 32 bits, and the threshold still divides them."""
    model = answerer()
    logits = model._logits

    def sure(inputs: Any) -> tf.Tensor:
        found = logits(inputs)
        return tf.concat([found[:, :, :1] + 40.0, found[:, :, 1:]], 2)

    model._logits = sure  # type: ignore[method-assign]
    odds = [output["no_answer_log_odds"] for output in model.predict_rows(tiny_questions.rows())[0]]
    model.no_answer_log_odds = float(np.median(odds))
    answers = model.answer(ASKED)
    assert {answer["no_answer_score"] for answer in answers} == {1.0}
    assert [bool(answer["answer"]) for answer in answers] == [value <= np.median(odds) for value in odds]


def test_one_threshold_is_enough():
    with pytest.raises(InputError, match="say the same; give one of them"):
        answerer(no_answer_threshold=0.5, no_answer_log_odds=0.0)
