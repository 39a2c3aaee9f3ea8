"""The truth: the formula of arXiv:1606.08415, section 2, and its derivative by differences, in float64."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_bert.layers.gelu import gelu_with_lean_gradient
from keras_bert.layers.linear import Linear
from tests.layer_test_case import to_numpy

GRID = np.linspace(-8, 8, 801)


def exact(x: np.ndarray) -> np.ndarray:
    return np.array([value * 0.5 * (1 + math.erf(value / math.sqrt(2))) for value in x])


def slope(x: np.ndarray) -> np.ndarray:
    return (exact(x + 1e-5) - exact(x - 1e-5)) / 2e-5


def test_the_formula():
    values = to_numpy(gelu_with_lean_gradient(ops.array(GRID, "float32")))
    np.testing.assert_allclose(values, exact(GRID), atol=2e-6)


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="takes the gradient with TensorFlow's tape")
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-6), ("bfloat16", 1e-2), ("float64", 1e-9)])
def test_the_gradient(dtype: str, tolerance: float):
    inputs = tf.constant(GRID, dtype)
    upstream = tf.constant(np.linspace(0.5, 2, len(GRID)), dtype)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = gelu_with_lean_gradient(inputs)
    gradient = tape.gradient(outputs, inputs, output_gradients=upstream)
    assert outputs.dtype == gradient.dtype == inputs.dtype
    expected = slope(to_numpy(tf.cast(inputs, "float64"))) * to_numpy(tf.cast(upstream, "float64"))
    np.testing.assert_allclose(to_numpy(tf.cast(gradient, "float64")), expected, atol=tolerance, rtol=tolerance)


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="looks into a TensorFlow graph")
@pytest.mark.parametrize("training", [True, False])
def test_a_linear_layer_takes_it_in_training_alone(training: bool):
    layer = Linear(3, activation="gelu")
    layer.build((None, 4))
    graph = tf.function(lambda x: layer(x, training=training)).get_concrete_function(tf.TensorSpec((2, 4))).graph
    operations = {operation.type for operation in graph.get_operations()}
    assert ("Erfc" in operations) != training
    assert ("IdentityN" in operations) == training  # what TensorFlow makes of a custom gradient


def test_training_and_inference_agree():
    layer = Linear(5, activation="gelu")
    layer.build((None, 4))
    inputs = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    np.testing.assert_allclose(
        to_numpy(layer(inputs, training=True)), to_numpy(layer(inputs, training=False)), atol=1e-6
    )
