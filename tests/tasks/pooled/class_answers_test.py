"""From logits to answers, against the softmax and the sigmoid by hand."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks.pooled.class_answers import ClassAnswers, kept_calibration
from keras_bert.tasks.pooled.head import MULTI_LABEL, SINGLE_LABEL

LOGITS = np.array([[2.0, 0.0, 1.0], [0.0, 0.5, 0.4]], "float32")


def answered(reading: ClassAnswers) -> list[dict]:
    return reading.rows({name: value.numpy() for name, value in reading.in_graph(tf.constant(LOGITS)).items()})


def test_a_temperature_divides_the_logits_of_a_softmax():
    powers = np.exp(LOGITS / 2.5)
    expected = powers / powers.sum(axis=1, keepdims=True)
    rows = answered(ClassAnswers(("a", "b", "c"), SINGLE_LABEL, 0.5, temperature=2.5))
    assert [row["label"] for row in rows] == ["a", "b"]
    assert np.array([list(row["scores"].values()) for row in rows]) == pytest.approx(expected, abs=1e-6)
    assert "sure" not in rows[0]


def test_an_answer_below_the_threshold_is_not_sure():
    rows = answered(ClassAnswers(("a", "b", "c"), SINGLE_LABEL, 0.5, abstain_below=0.5))
    assert [row["sure"] for row in rows] == [True, False]
    assert list(rows[0]) == ["label", "score", "sure", "scores"]


def test_several_labels_are_those_whose_calibrated_probability_reaches_the_threshold():
    reading = ClassAnswers(("a", "b", "c"), MULTI_LABEL, 0.6, temperature=2.0)
    expected = 1 / (1 + np.exp(-LOGITS / 2)) >= 0.6
    assert reading.predicted(LOGITS).tolist() == expected.astype(int).tolist()
    assert [sorted(row["labels"]) for row in answered(reading)] == [["a", "c"], []]


def test_settings_are_those_that_differ_from_a_fresh_model():
    assert ClassAnswers(("a", "b"), SINGLE_LABEL, 0.5).settings() == {}
    settings = ClassAnswers(("a", "b"), SINGLE_LABEL, 0.5, 1.5, 0.8).settings()
    assert settings == kept_calibration({**settings, "threshold": 0.5}) == {"temperature": 1.5, "abstain_below": 0.8}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"temperature": 0}, "temperature is 0; expected a number above 0"),
        ({"temperature": "hot"}, "temperature is 'hot'"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"abstain_below": 1.5}, "abstain_below is 1.5; expected a probability"),
        ({"abstain_below": 0.5, "problem_type": MULTI_LABEL}, "abstain_below is for one label a row"),
    ],
)
def test_what_is_refused(settings: dict, words: str):
    with pytest.raises(InputError, match=words):
        ClassAnswers(**{"labels": ("a", "b"), "problem_type": SINGLE_LABEL, "threshold": 0.5, **settings})
