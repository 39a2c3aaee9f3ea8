"""The truth: the formula of arXiv:1607.06450, section 3.1, in float64, its derivative by differences; Keras' layer."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.layers.layer_norm import LayerNorm
from tests.layer_test_case import run_layer_test, to_numpy

SIZE = 8


def exact(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, epsilon: float) -> np.ndarray:
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon) * gamma + beta


def values(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.3, 1.5, shape)


def make(epsilon: float = 1e-12, dtype: str = "float32") -> LayerNorm:
    layer = LayerNorm(epsilon, dtype=dtype)
    layer.build((None, SIZE))
    layer.gamma.assign(1 + values(1, SIZE))
    layer.beta.assign(values(2, SIZE))
    return layer


def expected(layer: LayerNorm, x: np.ndarray) -> np.ndarray:
    return exact(x, to_numpy(layer.gamma).astype("float64"), to_numpy(layer.beta).astype("float64"), layer.epsilon)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("epsilon", [1e-12, 1e-5, 0.3])
@pytest.mark.parametrize("shape", [(5, SIZE), (2, 3, SIZE)])
def test_the_formula(shape: tuple[int, ...], epsilon: float, training: bool):
    layer, x = make(epsilon), values(3, *shape)
    outputs = to_numpy(layer(x.astype("float32"), training=training))
    np.testing.assert_allclose(outputs, expected(layer, x), atol=1e-5)


@pytest.mark.parametrize("training", [False, True])
def test_a_vector_without_variance_gives_beta(training: bool):
    layer = make()
    outputs = to_numpy(layer(np.full((2, SIZE), 0.0, "float32"), training=training))
    np.testing.assert_array_equal(outputs, np.tile(to_numpy(layer.beta), (2, 1)))


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_large_and_small_vectors(scale: float):
    layer, x = make(), scale * values(3, 5, SIZE)
    np.testing.assert_allclose(to_numpy(layer(x.astype("float32"))), expected(layer, x), atol=1e-4)


def test_16_bit_inputs_are_computed_in_32():
    """Weights that bfloat16 does not have stay as they are: only inputs and the result are rounded."""
    layer = make(dtype="mixed_bfloat16")
    x = to_numpy(keras.ops.cast(keras.ops.cast(values(3, 50, SIZE), "bfloat16"), "float32")).astype("float64")
    for training in (False, True):
        outputs = layer(keras.ops.cast(x, "bfloat16"), training=training)
        assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
        np.testing.assert_allclose(to_numpy(outputs), expected(layer, x), rtol=2**-8)


def test_inputs_that_are_wider_than_the_policy_are_taken_as_they_are():
    """256 + 1/4: bfloat16 would lose the quarter before the norm could see it."""
    layer = LayerNorm(dtype="mixed_bfloat16")
    outputs = to_numpy(layer(256 + np.array([[0.0, 0.25, 0.5, 0.25]], "float32")))
    np.testing.assert_allclose(outputs, [[-np.sqrt(2), 0, np.sqrt(2), 0]], atol=0.01)


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="takes the gradient with TensorFlow's tape")
@pytest.mark.parametrize("shape", [(4, SIZE), (2, 3, SIZE)])
def test_the_gradient(shape: tuple[int, ...]):
    layer, x, upstream = make(1e-5), values(3, *shape), values(4, *shape)
    inputs = tf.constant(x, "float32")
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=True)
    found = tape.gradient(
        outputs, [inputs, *(weight.value for weight in layer.weights)], tf.constant(upstream, "float32")
    )
    point = [x, to_numpy(layer.gamma).astype("float64"), to_numpy(layer.beta).astype("float64")]
    for number, gradient in enumerate(found):
        for index in np.ndindex(point[number].shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [part.copy() for part in point]
                moved[number][index] += step
                ends.append((exact(*moved, 1e-5) * upstream).sum())
            assert to_numpy(gradient)[index] == pytest.approx((ends[0] - ends[1]) / 2e-6, abs=2e-4, rel=2e-4)


def operations(layer: LayerNorm, frozen: bool) -> tuple[list[str], np.ndarray]:
    """Runs the layer behind another operation; returns what TensorFlow has made of the graph, and the result."""
    held = [to_numpy(weight) for weight in layer.weights]
    x = values(3, 5, SIZE).astype("float32")
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        place = tf.compat.v1.placeholder(tf.float32, [None, SIZE])
        constants = [tf.constant(value) if frozen else tf.Variable(value, trainable=False) for value in held]
        with keras.StatelessScope(state_mapping=zip(layer.weights, map(tf.convert_to_tensor, constants), strict=True)):
            outputs = tf.identity(layer(tf.nn.relu(place) - tf.nn.relu(-place)))
        session.run(tf.compat.v1.global_variables_initializer())
        notes = tf.compat.v1.RunMetadata()
        options = tf.compat.v1.RunOptions(output_partition_graphs=True)
        result = session.run(outputs, {place: x}, options=options, run_metadata=notes)
    return [node.op for graph in notes.partition_graphs for node in graph.node], result


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="looks into a TensorFlow graph")
@pytest.mark.parametrize("epsilon", [1e-12, 1e-5, 0.3])
def test_with_constant_weights_it_is_one_kernel_with_its_own_epsilon(epsilon: float):
    layer = make(epsilon)
    names, result = operations(layer, frozen=True)
    np.testing.assert_allclose(result, expected(layer, values(3, 5, SIZE)), atol=1e-5)
    if not any(name.startswith("_Mkl") for name in operations(make(), frozen=True)[0]):
        pytest.skip("this TensorFlow has no oneDNN")
    assert names.count("_MklLayerNorm") == 1
    assert "Rsqrt" not in names
    assert "_MklLayerNorm" not in operations(layer, frozen=False)[0]


def test_it_has_the_weights_of_keras_layer():
    ours, theirs = make(1e-3), keras.layers.LayerNormalization(epsilon=1e-3)
    theirs.build((None, SIZE))
    assert [weight.name for weight in ours.weights] == [weight.name for weight in theirs.weights]
    theirs.set_weights(ours.get_weights())
    x = values(3, 5, SIZE).astype("float32")
    np.testing.assert_allclose(to_numpy(ours(x)), to_numpy(theirs(x)), atol=1e-5)


def test_as_a_layer(tmp_path: Path):
    inputs = [values(5, 3, 4, SIZE).astype("float32")]
    run_layer_test(LayerNorm, {"epsilon": 1e-4}, inputs, (3, 4, SIZE), tmp_path, expected_trainable_weights=2)


def test_epsilon_must_be_positive():
    with pytest.raises(ValueError, match="epsilon must be positive, received: 0"):
        LayerNorm(0)
