"""Gradients: sums that must come out, a linear model, central differences, and nothing for padding."""

import dataclasses

import keras
import numpy as np
import pytest

from keras_bert.tasks import BertClassifier
from keras_bert.trust.explain import scorer as scorer_module
from keras_bert.trust.explain.gradients import LARGEST_GAP, gradient_x_input, integrated_gradients
from keras_bert.trust.explain.readers.pooled import read_pooled
from keras_bert.trust.explain.reading import Reading
from keras_bert.trust.explain.scorer import BASELINES, Scorer
from tests.tasks import tiny

TEXT = "the film was very good and the food was not so bad"


def read(model: BertClassifier, text: str = TEXT) -> Reading:
    (answer,) = model.answer([text], scores=True)
    return read_pooled(model, {"text": text.encode()}, answer, None)


def padded(reading: Reading, places: int) -> Reading:
    """The same text with padding behind it."""
    wider = {name: np.pad(tensor, [(0, 0), (0, places)]) for name, tensor in reading.inputs.items()}
    owner = np.pad(reading.owner, [(0, 0), (0, places)], constant_values=-1)
    looks_from = np.pad(reading.looks_from, [(0, 0), (0, places)])
    return dataclasses.replace(reading, inputs=wider, owner=owner, looks_from=looks_from)


@pytest.mark.parametrize("baseline", BASELINES)
def test_values_add_up_to_the_difference(model: BertClassifier, scorer: Scorer, baseline: str):
    reading = read(model)
    found = integrated_gradients(scorer, reading, baseline, 50)
    logits = model(reading.inputs).numpy()[0]
    assert found.score == pytest.approx(logits.max(), abs=1e-5)
    replaced = dict(reading.inputs)
    if baseline != "zero":
        number = tiny.VOCABULARY.index(baseline)
        replaced["token_ids"] = np.where(reading.owner >= 0, number, replaced["token_ids"]).astype("int32")
        assert found.baseline_score == pytest.approx(model(replaced).numpy()[0, logits.argmax()], abs=1e-5)
    assert found.gap is not None
    assert found.gap <= LARGEST_GAP
    assert found.values.sum() == pytest.approx(found.score - found.baseline_score, rel=LARGEST_GAP)
    assert found.rest == 0.0
    assert len(found.values) == len(TEXT.split())


def test_steps_are_doubled_until_the_gap_is_small(model: BertClassifier, scorer: Scorer):
    reading = read(model)
    found = integrated_gradients(scorer, reading, "[PAD]", 1)
    assert found.steps is not None
    assert found.steps > 1
    assert found.steps & (found.steps - 1) == 0
    assert found.gap is not None
    assert found.gap <= LARGEST_GAP
    exact = integrated_gradients(scorer, reading, "[PAD]", 400)
    np.testing.assert_allclose(found.values, exact.values, atol=0.05 * np.abs(exact.values).max())


def test_a_linear_model_gives_the_weights_times_the_difference(model: BertClassifier):
    scorer, reading = Scorer(model), read(model)
    size = model.encoder.config.hidden_size
    vectors = keras.Input((None, size))
    others = [keras.Input((None,), dtype="int32", name=name) for name in model.input]
    dense = keras.layers.Dense(3)
    outputs = dense(keras.ops.sum(vectors, axis=1))
    scorer._network = scorer._network._replace(outputs=keras.Model([vectors, *others], outputs))
    text, base = scorer.vectors(reading.inputs), scorer.baseline_vectors(reading, "[MASK]")
    number = reading.readout.places[0, 1]
    expected = ((text - base) @ dense.kernel.numpy())[0, :, number]
    found = integrated_gradients(scorer, reading, "[MASK]", 1)
    np.testing.assert_allclose(found.values, expected[reading.owner[0] >= 0], rtol=1e-4, atol=1e-5)
    assert found.steps == 1


def test_gradients_are_those_of_central_differences(model: BertClassifier, scorer: Scorer):
    """Along some directions, each of which moves every number of every vector."""
    reading = read(model)
    text = scorer.vectors(reading.inputs)
    everything = np.ones((1, *text.shape[:2]), bool)
    for seed in range(3):
        way = np.random.default_rng(seed).normal(size=text.shape).astype("float32")
        sums, values = scorer.integral(reading, text, text - way, [1.0], [1.0])
        step = 3e-3
        ends = [float(scorer.values(reading, text + sign * step * way, text, everything)[0]) for sign in (1, -1)]
        assert sums.sum() == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=5e-3, abs=2e-3)
        assert values[0] == pytest.approx(model(reading.inputs).numpy().max(), abs=1e-4)


def test_padding_has_nothing(model: BertClassifier, scorer: Scorer):
    reading = read(model)
    wider = padded(reading, 5)
    text, base = scorer.vectors(wider.inputs), scorer.baseline_vectors(wider, "[PAD]")
    sums, _ = scorer.integral(wider, text, base, [0.3, 0.6], [0.5, 0.5])
    assert (sums[:, -5:] == 0).all()
    # Not because it is the same in text and baseline.
    sums, _ = scorer.integral(wider, text, text - 1.0, [0.3, 0.6], [0.5, 0.5])
    np.testing.assert_array_equal(sums != 0, wider.inputs["padding_mask"] == 1)
    for baseline in BASELINES:
        alone, beside = (integrated_gradients(scorer, each, baseline, 50) for each in (reading, wider))
        np.testing.assert_allclose(beside.values, alone.values, rtol=1e-3, atol=1e-5)


def test_what_goes_through_the_model_in_parts_or_without_padding(
    model: BertClassifier, scorer: Scorer, monkeypatch: pytest.MonkeyPatch
):
    reading = read(model)
    whole = integrated_gradients(scorer, reading, "[MASK]", 50)
    monkeypatch.setattr(scorer_module, "_TOKENS_AT_ONCE", 100)
    model.encoder.unpad = True
    try:
        parts = integrated_gradients(Scorer(model), reading, "[MASK]", 50)
    finally:
        model.encoder.unpad = False
    np.testing.assert_allclose(parts.values, whole.values, rtol=1e-3, atol=1e-5)
    assert parts.score == pytest.approx(whole.score, abs=1e-5)


def test_gradient_times_input_is_one_gradient(model: BertClassifier, scorer: Scorer):
    reading = read(model)
    found = gradient_x_input(scorer, reading)
    text = scorer.vectors(reading.inputs)
    # To first order a text that is 1 % longer in every number.
    everything = np.ones((1, *text.shape[:2]), bool)
    ends = [float(scorer.values(reading, text * (1 + sign * 1e-2), text, everything)[0]) for sign in (1, -1)]
    assert found.values.sum() + found.rest == pytest.approx((ends[0] - ends[1]) / 2e-2, rel=2e-2, abs=5e-3)
    assert found.rest != 0.0
    assert (found.gap, found.baseline_score, found.steps) == (None, None, None)
