"""The truth: the gradient of each example by itself."""

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_bert.layers.bert_embeddings import BertEmbeddings
from keras_bert.layers.example_norms import ExampleNorms, dense_squares, watched_by
from keras_bert.layers.layer_norm import LayerNorm
from keras_bert.layers.linear import Linear
from tests.layer_test_case import BACKEND, randomize

pytestmark = pytest.mark.skipif(BACKEND != "tensorflow", reason="tapes are TensorFlow's")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 5)).astype("float32")  # of three examples with four rows each
IDS = np.array([[1, 4, 1], [0, 2, 2], [3, 3, 3], [5, 0, 5]], "int32")
SEGMENTS = np.array([[0, 0, 1], [0, 1, 1], [0, 0, 0], [1, 0, 1]], "int32")
WEIGHTS = RNG.normal(size=(12, 6)).astype("float32")


def told(layer, call, rows: int, weight: np.ndarray) -> np.ndarray:
    """The squared norms that a tape gives for losses of each example."""
    probe = tf.zeros([rows])
    with tf.GradientTape() as tape:
        tape.watch(probe)
        with watched_by(ExampleNorms(probe, layer.trainable_variables)):
            outputs = call()
        loss = tf.reduce_sum(tf.reshape(tf.cast(outputs, tf.float32), weight.shape) * weight)
    return tape.gradient(loss, probe).numpy()


def alone(layer, call, rows: int, weight: np.ndarray) -> list[float]:
    """Those of the gradient of each example's part of the loss."""
    found = []
    for row in range(rows):
        own = np.zeros_like(weight).reshape(rows, -1)
        own[row] = weight.reshape(rows, -1)[row]
        with tf.GradientTape() as tape:
            outputs = call()
            loss = tf.reduce_sum(tf.reshape(tf.cast(outputs, tf.float32), weight.shape) * own.reshape(weight.shape))
        gradients = tape.gradient(loss, layer.trainable_variables)
        found.append(sum(float(tf.reduce_sum(tf.convert_to_tensor(each) ** 2)) for each in gradients))
    return found


@pytest.mark.parametrize("frozen", ["", "kernel", "bias"])
@pytest.mark.parametrize("activation", [None, "gelu"])
def test_a_dense_layer(activation: str | None, frozen: str):
    layer = Linear(6, activation=activation)
    layer.build((None, 5))
    randomize(layer)
    if frozen:
        getattr(layer, frozen).trainable = False
    for rows in (3, 12, 1):
        call = lambda: layer(ops.convert_to_tensor(X), training=True)  # noqa: E731
        np.testing.assert_allclose(told(layer, call, rows, WEIGHTS), alone(layer, call, rows, WEIGHTS), rtol=1e-4)


@pytest.mark.parametrize("training", [False, True])
def test_a_normalization(training: bool):
    layer = LayerNorm(1e-6)
    layer.build((None, 5))
    randomize(layer)
    weight = WEIGHTS[:, :5]
    call = lambda: layer(ops.convert_to_tensor(X), training=training)  # noqa: E731
    np.testing.assert_allclose(told(layer, call, 3, weight), alone(layer, call, 3, weight), rtol=1e-4)


@pytest.mark.parametrize("options", [{}, {"use_layer_norm": False}, {"position_type": "sinusoidal"}], ids=str)
@pytest.mark.parametrize("rows", [4, 2])
def test_tables_of_which_a_row_is_taken_twice(rows: int, options: dict):
    """Two rows are two texts each: the same positions twice."""
    layer = BertEmbeddings(6, 6, max_positions=5, **options)
    layer.build((None, None), (None, None))
    randomize(layer)
    call = lambda: layer(IDS, SEGMENTS, training=True)  # noqa: E731
    weight = WEIGHTS.reshape(4, 3, 6)
    np.testing.assert_allclose(told(layer, call, rows, weight), alone(layer, call, rows, weight), rtol=1e-4)


def test_no_example_has_no_norm():
    assert dense_squares(ops.zeros((0, 3)), ops.zeros((0, 2)), 0).shape == (0,)


def test_in_half_precision_norms_are_summed_in_float32():
    layer = Linear(6, dtype="mixed_bfloat16")
    layer.build((None, 5))
    call = lambda: layer(ops.convert_to_tensor(X), training=True)  # noqa: E731
    found = told(layer, call, 3, WEIGHTS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, alone(layer, call, 3, WEIGHTS), rtol=0.02)  # of a bfloat16 gradient


def test_without_a_watcher_nothing_is_tapped():
    layer = Linear(6)
    assert not ExampleNorms(None, []).counts(None)
    outputs = layer(ops.convert_to_tensor(X))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(ops.convert_to_tensor(X)) - outputs)
    assert tape.gradient(loss, layer.trainable_variables[1]).shape == (6,)
