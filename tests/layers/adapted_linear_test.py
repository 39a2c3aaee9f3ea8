"""The truth: numpy's `x @ (kernel + alpha / rank · A @ B) + bias`, part by part."""

import numpy as np
import pytest

from keras_bert.layers.adapted_linear import AdaptedLinear, make_linear
from keras_bert.layers.linear import Linear
from tests.layer_test_case import BACKEND, randomize, run_layer_test, to_numpy

OPTIONS = {"units": 6, "rank": 2, "alpha": 3.0, "dropout": 0.1, "parts": 3, "adapted": [0, 2]}


def make_inputs(rows: int = 5, size: int = 4) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, size)).astype("float32")


def made(seed: int = 0, **changes) -> AdaptedLinear:
    layer = AdaptedLinear(**{**OPTIONS, "dropout": 0.0, **changes})
    layer.build((None, 4))
    randomize(layer, seed)
    return layer


def test_the_layer(tmp_path):
    shape = (5, 6)
    run_layer_test(
        AdaptedLinear,
        OPTIONS,
        [make_inputs()],
        shape,
        tmp_path,
        expected_trainable_weights=2,
        expected_frozen_weights=2,
    )


def test_each_part_has_its_own_change():
    layer, inputs = made(), make_inputs()
    kernel = to_numpy(layer.kernel).copy()
    for part in (0, 2):
        a, b = layer.matrices(part)
        assert (a.shape, b.shape) == ((4, 2), (2, 2))
        kernel[:, 2 * part : 2 * part + 2] += 3.0 / 2 * a @ b
    np.testing.assert_allclose(to_numpy(layer.merged_kernel()), kernel, atol=1e-5)
    np.testing.assert_allclose(to_numpy(layer(inputs)), inputs @ kernel + to_numpy(layer.bias), atol=1e-5)


def test_it_begins_as_the_plain_layer():
    layer = AdaptedLinear(300, rank=8, alpha=16.0)
    layer.build((None, 400))
    a, inputs = to_numpy(layer.lora_a), make_inputs(3, 400)
    assert 0.049 < np.abs(a).max() <= 0.05  # ±1/√400
    assert abs(a.std() - 0.05 / 3**0.5) < 1e-3
    np.testing.assert_allclose(to_numpy(layer(inputs)), inputs @ to_numpy(layer.kernel), atol=1e-5)


def test_matrices_of_a_lower_rank_are_filled_up_and_others_cleared():
    layer = made()
    a, b = np.ones((4, 1), "float32"), np.full((1, 2), 2.0, "float32")
    layer.set_matrices(2, a, b)
    layer.clear(0)
    layer.clear(1)  # has none
    change = to_numpy(layer.merged_kernel()) - to_numpy(layer.kernel)
    np.testing.assert_allclose(change[:, 4:], 1.5 * a @ b, atol=1e-6)
    assert not change[:, :4].any()


@pytest.mark.skipif(BACKEND == "numpy", reason="dropout needs a backend that trains")
def test_dropout_is_of_the_change_alone():
    layer, inputs = made(dropout=0.5), make_inputs()
    plain = inputs @ to_numpy(layer.kernel) + to_numpy(layer.bias)
    np.testing.assert_allclose(to_numpy(layer(inputs, training=True))[:, 2:4], plain[:, 2:4], atol=1e-5)
    assert np.abs(to_numpy(layer(inputs, training=True)) - to_numpy(layer(inputs))).max() > 0.1


@pytest.mark.parametrize(
    "changes", [{"rank": 0}, {"alpha": 0.0}, {"parts": 4}, {"adapted": []}, {"adapted": [3]}], ids=str
)
def test_what_cannot_be_is_refused(changes):
    with pytest.raises(ValueError, match="must be"):
        AdaptedLinear(**{**OPTIONS, **changes})


def test_a_layer_without_a_target_is_the_plain_one():
    adapters = {"rank": 2, "alpha": 4.0, "dropout": 0.0, "targets": ["attention.self.value"]}
    fused = make_linear(6, ["attention.self.query", "attention.self.key", "attention.self.value"], adapters)
    assert (type(fused), fused.parts, fused.adapted) == (AdaptedLinear, 3, [2])
    assert type(make_linear(6, ["output.dense"], adapters, activation="gelu")) is Linear
    assert type(make_linear(6, ["output.dense"], None)) is Linear
