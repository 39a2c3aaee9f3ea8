"""The truth: numpy's `x @ kernel + bias` and the activations' formulas."""

import keras
import numpy as np
import pytest

from keras_bert.layers.linear import Linear
from tests.layer_test_case import randomize, run_layer_test, to_numpy
from tests.layers import numpy_bert

OPTIONS = {"units": 5, "activation": "gelu_new", "initializer_range": 0.5}


def make_inputs(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize("shape", [(6, 4), (2, 3, 4)])
def test_the_layer(shape, tmp_path):
    run_layer_test(Linear, OPTIONS, [make_inputs(*shape)], (*shape[:-1], 5), tmp_path, expected_trainable_weights=2)


@pytest.mark.parametrize("name", numpy_bert.ACTIVATIONS)
@pytest.mark.parametrize("shape", [(6, 4), (2, 3, 4), (2, 3, 2, 4)])
def test_product_bias_activation(shape, name):
    inputs = make_inputs(*shape)
    layer = Linear(5, activation=name)
    layer.build(shape)
    randomize(layer, scale=1.0)
    expected = numpy_bert.ACTIVATIONS[name](numpy_bert.dense(inputs, numpy_bert.read_dense(layer)))
    np.testing.assert_allclose(to_numpy(layer(inputs)), expected, atol=1e-5)


def test_the_start_is_a_truncated_normal_and_a_bias_of_zero():
    layer = Linear(300, initializer_range=0.02)
    layer.build((None, 300))
    kernel = to_numpy(layer.kernel)
    # Cut at two standard deviations, the normal distribution keeps 0.8796 of its own.
    assert abs(kernel.std() / 0.02 - 0.8796) < 0.01
    assert 0.039 < np.abs(kernel).max() <= 0.04
    assert not to_numpy(layer.bias).any()


def test_the_global_seed_decides_the_start():
    def start(seed):
        keras.utils.set_random_seed(seed)
        layer = Linear(8)
        layer.build((None, 8))
        return to_numpy(layer.kernel)

    np.testing.assert_array_equal(start(1), start(1))
    assert not np.array_equal(start(1), start(2))


def test_two_layers_do_not_start_alike():
    first, second = Linear(8), Linear(8)
    first.build((None, 8))
    second.build((None, 8))
    assert not np.array_equal(to_numpy(first.kernel), to_numpy(second.kernel))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"units": 0}, "units must be positive, received: 0"), ({"units": 2, "activation": "mish"}, "received: 'mish'")],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        Linear(**options)
