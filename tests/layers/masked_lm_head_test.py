"""The truth: numpy, position by position."""

import numpy as np
import pytest

from keras_bert.layers.masked_lm_head import MaskedLMHead
from tests.layer_test_case import randomize, run_layer_test, to_numpy
from tests.layers import numpy_bert

RNG = np.random.default_rng(0)
HIDDEN = RNG.normal(size=(2, 5, 4)).astype("float32")
POSITIONS = np.array([[1, 4, 0], [3, 0, 0]], "int32")
TABLE = RNG.normal(size=(7, 4)).astype("float32")


def test_the_layer(tmp_path):
    arguments = {
        "vocabulary_size": 7,
        "activation": "relu",
        "layer_norm_epsilon": 1e-3,
        "initializer_range": 0.5,
        "output_ids": [5, 0, 1, 6],
    }
    inputs = [HIDDEN, POSITIONS, TABLE]
    run_layer_test(MaskedLMHead, arguments, inputs, (2, 3, 4), tmp_path, expected_trainable_weights=5)


@pytest.mark.parametrize(("activation", "epsilon"), [("gelu", 1e-12), ("gelu_new", 1e-12), ("gelu", 0.5)])
def test_the_formula(activation, epsilon):
    layer = MaskedLMHead(7, activation, epsilon)
    layer(HIDDEN, POSITIONS, TABLE)
    randomize(layer)
    logits = to_numpy(layer(HIDDEN, POSITIONS, TABLE))
    for row in range(2):
        for slot in range(3):
            dense = numpy_bert.dense(HIDDEN[row, POSITIONS[row, slot]], numpy_bert.read_dense(layer.dense))
            active = numpy_bert.ACTIVATIONS[activation](dense)
            gamma, beta = to_numpy(layer.layer_norm.gamma), to_numpy(layer.layer_norm.beta)
            normed = (active - active.mean()) / np.sqrt(active.var() + epsilon) * gamma + beta
            np.testing.assert_allclose(logits[row, slot], TABLE @ normed + to_numpy(layer.bias), atol=1e-5)


def test_the_logits_of_some_ids_are_those_among_all():
    whole, some = MaskedLMHead(7), MaskedLMHead(7, output_ids=[6, 2, 3])
    whole(HIDDEN, POSITIONS, TABLE)
    some(HIDDEN, POSITIONS, TABLE)
    randomize(whole)
    some.set_weights(whole.get_weights())
    expected = to_numpy(whole(HIDDEN, POSITIONS, TABLE))[..., [6, 2, 3]]
    np.testing.assert_allclose(to_numpy(some(HIDDEN, POSITIONS, TABLE)), expected, atol=1e-6)


def test_only_the_positions_asked_for_matter():
    layer = MaskedLMHead(7)
    changed = HIDDEN.copy()
    changed[0, [2, 3]] += 1
    changed[1, [1, 2, 4]] += 1
    before, after = layer(HIDDEN, POSITIONS, TABLE), layer(changed, POSITIONS, TABLE)
    np.testing.assert_array_equal(to_numpy(before), to_numpy(after))


def test_an_unknown_activation():
    with pytest.raises(ValueError, match="swish"):
        MaskedLMHead(7, "swish")
