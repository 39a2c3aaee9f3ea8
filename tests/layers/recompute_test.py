"""The truth: the same layer called without recomputing, from the same seeds."""

import importlib.util
import os
import subprocess
import sys
import weakref
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_bert.layers.recompute import recompute
from tests.layer_test_case import BACKEND, to_numpy

ROOT = Path(__file__).resolve().parents[2]
INPUTS = np.random.default_rng(0).normal(size=(6, 8)).astype("float32")

ON_TENSORFLOW = pytest.mark.skipif(BACKEND != "tensorflow", reason="takes gradients with TensorFlow's tape")


@keras.saving.register_keras_serializable(package="tests")
class TwoLayers(keras.layers.Layer):
    """Two dense layers, each with dropout; counts how often it is computed."""

    def __init__(self, rate, again, **kwargs):
        super().__init__(**kwargs)
        self.again = again
        self.computed = 0
        self.dense = [keras.layers.Dense(8, activation="tanh", dtype=self.dtype_policy) for _ in range(2)]
        self.dropout = [keras.layers.Dropout(rate, seed=seed, dtype=self.dtype_policy) for seed in (1, 2)]

    def build(self, shape):
        for layer in self.dense:
            layer.build(shape)

    def compute(self, inputs):
        self.computed += 1
        for dense, dropout in zip(self.dense, self.dropout, strict=True):
            inputs = inputs + dropout(dense(inputs), training=True)
        return inputs

    def call(self, inputs):
        return recompute(self, self.compute, inputs) if self.again else self.compute(inputs)


def make(rate, again, policy="float32"):
    keras.utils.set_random_seed(0)
    layer = TwoLayers(rate, again, dtype=policy)
    layer.build(INPUTS.shape)
    return layer


def steps(layer, mode, count=3):
    """Output and gradients of some steps, the seeds moving on."""
    import tensorflow as tf

    inputs = tf.constant(INPUTS)
    variables = [weight.value for weight in layer.trainable_weights]

    def step():
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(tf.cast(inputs, layer.compute_dtype))
            loss = tf.reduce_sum(tf.cast(outputs, "float32") ** 2)
        return [outputs, *tape.gradient(loss, [inputs, *variables])]

    run = step if mode == "eager" else tf.function(step, jit_compile=mode == "xla")
    return [[to_numpy(tensor) for tensor in run()] for _ in range(count)]


@ON_TENSORFLOW
@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_outputs_and_gradients_are_those_of_a_plain_call(rate, mode):
    plain, again = steps(make(rate, again=False), mode), steps(make(rate, again=True), mode)
    for one, other in zip(plain, again, strict=True):
        for want, got in zip(one, other, strict=True):
            np.testing.assert_allclose(got, want, atol=1e-5)
    assert (rate == 0) == np.array_equal(plain[0][0], plain[1][0])


@ON_TENSORFLOW
def test_a_mixed_policy():
    plain, again = (steps(make(0.5, again, "mixed_bfloat16"), "graph") for again in (False, True))
    np.testing.assert_array_equal(again[2][0], plain[2][0])
    for want, got in zip(plain[2], again[2], strict=True):
        np.testing.assert_allclose(got, want, atol=2e-2 * np.abs(want).max())


@ON_TENSORFLOW
def test_it_is_computed_once_more_in_the_backward_pass():
    layers = [make(0.5, again) for again in (False, True)]
    for layer in layers:
        steps(layer, "eager", count=1)
    assert [layer.computed for layer in layers] == [1, 2]


@ON_TENSORFLOW
def test_what_it_computes_in_between_is_not_kept():
    import tensorflow as tf

    def is_kept(again):
        layer = make(0.5, again)
        between = []

        class Watched(keras.layers.Layer):
            def call(self, inputs, training):
                outputs = inputs**2
                between.append(weakref.ref(outputs))
                return outputs**2

        layer.dropout[0] = Watched()
        with tf.GradientTape() as tape:
            layer(INPUTS)
        kept = between[0]() is not None
        del tape
        return kept

    assert is_kept(again=False)
    assert not is_kept(again=True)


@ON_TENSORFLOW
@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_gradients_of_gradients_are_those_of_a_plain_call(mode):
    import tensorflow as tf

    def second(again):
        layer = make(0.5, again)
        inputs, variables = tf.constant(INPUTS), [weight.value for weight in layer.trainable_weights]

        def step():
            with tf.GradientTape() as outer:
                outer.watch(inputs)
                with tf.GradientTape() as tape:
                    tape.watch(inputs)
                    loss = tf.reduce_sum(layer(inputs) ** 2)
                gradients = tape.gradient(loss, [inputs, *variables])
                total = tf.add_n([tf.reduce_sum(gradient**2) for gradient in gradients])
            return outer.gradient(total, [inputs, *variables])

        run = step if mode == "eager" else tf.function(step, jit_compile=mode == "xla")
        return [to_numpy(tensor) for tensor in run()]

    for got, want in zip(second(True), second(False), strict=True):
        assert np.abs(want).max() > 1
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4 * np.abs(want).max())


def test_the_seeds_move_on_as_in_a_plain_call():
    plain, again = make(0.5, again=False), make(0.5, again=True)
    for layer in (plain, again):
        for _ in range(2):
            layer(INPUTS)
    states = [[to_numpy(dropout.seed_generator.state.value) for dropout in layer.dropout] for layer in (plain, again)]
    np.testing.assert_array_equal(*states)
    assert states[0][0].tolist() == [1, 2]


# A step of training as Keras' JAX backend takes it: weights and seeds are those of a scope, not of the variables.
ON_JAX = """
import jax
import keras
import numpy as np
from tests.layers.recompute_test import INPUTS, make

def gradients(again):
    layer = make(0.5, again)
    values = [variable.value * 2 for variable in layer.trainable_variables]
    seeds = [variable.value for variable in layer.non_trainable_variables]

    def loss(values, seeds):
        outputs, seeds = layer.stateless_call(values, seeds, INPUTS)
        return (outputs**2).sum(), seeds

    step = jax.jit(jax.value_and_grad(loss, has_aux=True))
    (first, seeds), one = step(values, seeds)
    (second, seeds), two = step(values, seeds)
    assert first != second
    return [first, second, *one, *two]

for want, got in zip(gradients(False), gradients(True), strict=True):
    assert np.any(want)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)
print("same")
"""


@pytest.mark.slow
def test_on_jax():
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-c", ON_JAX]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["same"], done.stderr[-2000:]
