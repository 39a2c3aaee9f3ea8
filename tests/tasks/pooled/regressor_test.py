"""Regression: rows, head, loss, scores and answers, each against numbers worked out beside it."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.tasks import BertRegressor
from keras_bert.training import adamw
from tests.tasks import tiny

NUMBERS = [4.5, 0.5, 3.75, 2.0, 1.25, 2.5, 0.0, 5.0]


def outputs_of(model: BertRegressor) -> np.ndarray:
    return model(model.preprocessor(tiny.TEXTS, tiny.PAIRS)).numpy()[:, 0].astype("float64")


def test_features_are_packed_pairs_and_a_column_of_numbers():
    model = tiny.regressor(text_pair=True)
    rows = {"text": tf.constant(tiny.TEXTS), "text_pair": tf.constant(tiny.PAIRS), "label": tf.constant(NUMBERS)}
    inputs, targets = model.features(rows)
    assert inputs["token_ids"].to_list() == model.preprocessor.pack(tiny.TEXTS, tiny.PAIRS)["token_ids"].to_list()
    assert (targets.dtype, targets.shape) == (tf.float32, (8, 1))
    np.testing.assert_array_equal(targets[:, 0], NUMBERS)


def test_an_answer_is_the_output():
    model = tiny.regressor(text_pair=True)
    answers = model.answer(list(zip(tiny.TEXTS, tiny.PAIRS, strict=True)), batch_size=3)
    assert all(set(answer) == {"score"} for answer in answers)
    np.testing.assert_allclose([answer["score"] for answer in answers], outputs_of(model), atol=1e-5)
    assert np.ptp(outputs_of(model)) > 0.01, "the test needs answers that differ"


def test_the_loss_is_the_mean_squared_error():
    model = tiny.regressor(text_pair=True)
    model.compile()
    batches = model.batches(tiny.dataset(NUMBERS, tiny.PAIRS), batch_size=8)
    results = model.evaluate(batches, verbose=0, return_dict=True)
    errors = outputs_of(model) - NUMBERS
    assert results["loss"] == pytest.approx((errors**2).mean(), rel=1e-5)
    assert results["mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-5)


def test_scores_are_the_correlations_of_the_answers():
    model = tiny.regressor(text_pair=True)
    scores = model.evaluate_rows(tiny.dataset(NUMBERS, tiny.PAIRS), batch_size=3)
    outputs = outputs_of(model)
    assert scores["pearson"] == pytest.approx(np.corrcoef(outputs, NUMBERS)[0, 1], abs=1e-5)
    ranks = [np.argsort(np.argsort(values)) for values in (outputs, NUMBERS)]
    assert scores["spearman"] == pytest.approx(np.corrcoef(*ranks)[0, 1], abs=1e-6)
    assert scores["mse"] == pytest.approx(((outputs - NUMBERS) ** 2).mean(), rel=1e-5)
    assert scores["loss"] == pytest.approx(scores["mse"], rel=1e-5)


@pytest.mark.slow
def test_eight_pairs_are_learned_by_heart():
    model = tiny.regressor(config=tiny.without_dropout(), text_pair=True)
    rows = tiny.dataset(NUMBERS, tiny.PAIRS)
    before = model.evaluate_rows(rows)["mse"]
    model.compile(adamw(1e-2, steps=60))
    model.fit(model.batches(rows, batch_size=4).cache().repeat(30), verbose=0)
    after = model.evaluate_rows(rows)
    assert after["mse"] < 0.05 * before
    assert after[model.monitor] > 0.9


def test_labels_that_are_no_numbers_are_refused():
    model = tiny.regressor()
    with pytest.raises((TypeError, ValueError, tf.errors.OpError)):
        list(model.batches(tiny.dataset(tiny.LABELS)))
