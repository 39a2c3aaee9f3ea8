"""Products in 8 bits against numpy, and the operation behind them, which TensorFlow may take away."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.serving.formats import int8_product as module
from keras_bert.serving.formats.int8_product import Limits, check_int8_products, column_scales, int8_product, smoothing
from tests.sources import ROOT

RANDOM = np.random.default_rng(0)
KERNEL = RANDOM.normal(scale=0.05, size=(48, 96)).astype("float32")
BIAS = RANDOM.normal(scale=0.1, size=96).astype("float32")
VALUES = np.clip(RANDOM.normal(size=(7, 48)), -3, 3).astype("float32")
HIGHEST = np.abs(VALUES).max(axis=0)


def in_graph(product, values):
    return tf.function(product, autograph=False)(tf.constant(values)).numpy()


def test_it_is_the_integer_product_of_rounded_numbers():
    """x is round(x / f / s), w of column j is round(w · f / s_j); numpy multiplies the same integers."""
    factors = smoothing(HIGHEST, KERNEL)
    step, scales = (HIGHEST / factors).max() / 127, column_scales(KERNEL * factors[:, None])
    integers = np.round(VALUES / factors / step) @ np.round(KERNEL * factors[:, None] / scales)
    expected = integers * step * scales + BIAS
    outputs = in_graph(int8_product(KERNEL, BIAS, HIGHEST), VALUES)
    # A number in the middle between two steps may be rounded up or down.
    assert np.mean(np.abs(outputs - expected) > 1e-5) < 0.15
    np.testing.assert_allclose(outputs, expected, atol=2 * step * scales.max() * 127)
    np.testing.assert_allclose(outputs, VALUES @ KERNEL + BIAS, atol=0.03)


def test_large_and_small_inputs_become_more_alike():
    """f_i = h_i^0.7 / w_i^0.3, with a geometric mean of 1; a unit that was never at work is not blown up."""
    kernel = np.array([[2.0, -1.0], [1.0, 0.5]], "float32")
    factors = smoothing(np.array([30.0, 1.0], "float32"), kernel)
    assert factors[0] / factors[1] == pytest.approx(30**0.7 / 2**0.3, rel=1e-5)
    assert np.log(factors).mean() == pytest.approx(0, abs=1e-6)
    never = smoothing(np.array([30.0, 0.0], "float32"), kernel)
    assert never[0] / never[1] == pytest.approx(1000**0.7 / 2**0.3, rel=1e-5)


def test_two_large_neighbours_do_not_end_in_16_bits():
    """With steps of max |w| / 127 a processor without VNNI gives half of this, since 255 · 254 is above 32,767."""
    kernel, values = np.ones((4, 16), "float32"), np.ones((3, 4), "float32")
    outputs = in_graph(int8_product(kernel, np.zeros(16, "float32"), np.ones(4, "float32")), values)
    np.testing.assert_allclose(outputs, 4.0, atol=0.05)


@pytest.mark.parametrize(
    ("column", "most"),
    [([3, -1, 2, 0], 3), ([3, 2, 0, 0], 5), ([0, 3, 2, 0], 3), ([3, -3, -2, -2], 4), ([0, 0, 1, 1], 2), ([1, 1, 4], 4)],
)
def test_a_column_has_the_step_of_its_largest_number_or_pair(column: list[float], most: float):
    """Numbers of unlike signs do not add up, and the second and the third are no pair."""
    assert column_scales(np.array(column, "float32")[:, None])[0] == pytest.approx(most / 127)


def test_values_outside_of_the_limits_become_the_nearest_one():
    product = int8_product(KERNEL, BIAS, HIGHEST)
    most = smoothing(HIGHEST, KERNEL) * (HIGHEST / smoothing(HIGHEST, KERNEL)).max()
    inside = in_graph(product, np.clip(10 * VALUES, -most * 128 / 127, most))
    np.testing.assert_allclose(in_graph(product, 10 * VALUES), inside, atol=1e-6)


def test_two_products_with_a_gelu_between_them():
    """What the GELU gives stays in 256 steps of (4.17 / 255); the second product is off by their rounding alone."""
    first = int8_product(KERNEL, BIAS, HIGHEST, gelu=Limits(-0.17, 4.0))
    back = KERNEL.T.copy()
    second = int8_product(back, np.zeros(48, "float32"), Limits(-0.17, 4.0))
    product = in_graph(int8_product(KERNEL, BIAS, HIGHEST), VALUES)
    gelu = product * 0.5 * (1 + np.vectorize(math.erf)(product / math.sqrt(2)))
    steps = in_graph(first, VALUES)
    assert steps.dtype == np.uint8
    np.testing.assert_allclose(steps * (4.17 / 255) - 0.17, gelu, atol=4.17 / 255)
    np.testing.assert_allclose(in_graph(second, steps), gelu @ back, atol=0.05)


def test_the_operation_is_there_and_no_rows_are_no_rows():
    """The first to say so when an update of TensorFlow takes the operation away, or changes what it computes."""
    check_int8_products()
    assert in_graph(int8_product(KERNEL, BIAS, HIGHEST), VALUES[:0]).shape == (0, 96)


def test_without_the_operation_there_is_one_line(monkeypatch):
    monkeypatch.setattr(module, "_OPERATION", "_NoSuchProduct")
    with pytest.raises(InputError, match=r"needs the operation _NoSuchProduct, which TensorFlow .*'litert'"):
        check_int8_products.__wrapped__()


def test_an_operation_that_computes_something_else(monkeypatch):
    monkeypatch.setattr(module, "int8_product", lambda *a, **k: lambda values: tf.zeros([2, 2]))
    with pytest.raises(InputError, match="in another way than this version knows"):
        check_int8_products.__wrapped__()


@pytest.mark.slow
@pytest.mark.parametrize("one_dnn", ["0", "1"])
def test_with_and_without_one_dnn_the_integers_are_the_same(one_dnn: str):
    """TensorFlow turns oneDNN on by the processor, and both quantize symmetric limits in their own way."""
    name = f"{__file__}::test_it_is_the_integer_product_of_rounded_numbers"
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", name]
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": one_dnn}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
