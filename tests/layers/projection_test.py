"""The dense layer of sentence-transformers, against numpy."""

from pathlib import Path

import numpy as np
import pytest

from keras_bert.layers.projection import ACTIVATIONS, Projection
from tests.layer_test_case import randomize, run_layer_test, to_numpy

INPUTS = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
OPTIONS = {"units": 6, "activation": "gelu", "use_bias": False, "use_residual": True, "initializer_range": 0.1}


def test_it_is_a_layer(tmp_path: Path):
    run_layer_test(Projection, OPTIONS, (INPUTS,), (3, 6), tmp_path, expected_trainable_weights=2)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_activation_comes_before_the_residual(activation: str):
    layer = Projection(4, activation, use_residual=True)
    layer(INPUTS)
    randomize(layer)
    assert [tuple(weight.shape) for weight in layer.weights] == [(4, 4), (4,)]
    kernel, bias = (to_numpy(weight) for weight in layer.weights)
    expected = to_numpy(ACTIVATIONS[activation](INPUTS @ kernel + bias)) + INPUTS
    np.testing.assert_allclose(to_numpy(layer(INPUTS)), expected, atol=1e-5)


def test_a_residual_of_another_size_has_a_matrix_of_its_own():
    layer = Projection(2, "identity", use_residual=True)
    layer(INPUTS)
    randomize(layer)
    kernel, bias, residual = (to_numpy(weight) for weight in layer.weights)
    np.testing.assert_allclose(to_numpy(layer(INPUTS)), INPUTS @ kernel + bias + INPUTS @ residual, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"), [({"units": 0}, "units"), ({"units": 2, "activation": "softsign"}, "identity, tanh")]
)
def test_impossible_arguments_are_refused(options: dict, message: str):
    with pytest.raises(ValueError, match=message):
        Projection(**options)
