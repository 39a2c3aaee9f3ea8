"""Compiled updates of large variables, against the same formulas in numpy (float64)."""

import gc
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.layers import Dropout, LayerNorm, linear
from keras_bert.training import AdamW, Lamb, adamw
from keras_bert.training.optimizers import one_pass
from tests.tasks import tiny
from tests.training.optimizers.adamw_test import (
    SHAPES,
    assert_equal,
    make_gradients,
    make_variables,
    numpy_adamw,
    sparse,
    train,
)
from tests.training.optimizers.lamb_test import numpy_lamb

MULTIPLIERS = {"embeddings": 0.1, "block_0": 0.5}


@pytest.fixture
def everything_is_large(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(one_pass, "_LARGE", 1)


def some_are_sparse(gradients: list[list[np.ndarray]]) -> tuple[list[list[object]], list[list[np.ndarray]]]:
    """Returns gradients whose first is sparse, with rows that occur several times, and what they stand for."""
    tables = [sparse((6, 4), indices, seed) for seed, indices in enumerate([[1, 3, 1, 1, 0], [2, 2], [5], [4] * 9])]
    mixed = [[table, *step[1:]] for table, step in zip(tables, gradients, strict=True)]
    return mixed, [
        [tf.convert_to_tensor(table).numpy(), *step[1:]] for table, step in zip(tables, gradients, strict=True)
    ]


def clipped(gradients: list[list[np.ndarray]], limit: float) -> tuple[list[list[np.ndarray]], list[bool]]:
    norms = [np.sqrt(sum((gradient.astype("float64") ** 2).sum() for gradient in step)) for step in gradients]
    results = [
        [gradient * min(1, limit / norm) for gradient in step] for step, norm in zip(gradients, norms, strict=True)
    ]
    return results, [norm > limit for norm in norms]


@pytest.mark.parametrize("skip_nonfinite", [False, True])
@pytest.mark.parametrize("limit", [2.0, 100.0], ids=["bites", "does not bite"])
@pytest.mark.parametrize("large", [False, True])
def test_adamw_is_the_formula(request: pytest.FixtureRequest, large: bool, limit: float, skip_nonfinite: bool):
    if large:
        request.getfixturevalue("everything_is_large")
    variables, (gradients, dense) = make_variables(), some_are_sparse(make_gradients(4))
    start = [variable.numpy() for variable in variables]
    options = {"decay": 0.3, "multipliers": MULTIPLIERS, "epsilon": 1e-4}
    optimizer = AdamW(0.01, beta_1=0.8, beta_2=0.95, global_clipnorm=limit, skip_nonfinite=skip_nonfinite, **options)
    train(optimizer, variables, gradients)
    expected, bites = clipped(dense, limit)
    assert set(bites) == {limit == 2.0}
    assert_equal(variables, numpy_adamw(start, expected, [0.01] * 4, betas=(0.8, 0.95), **options))


@pytest.mark.parametrize("limit", [2.0, 100.0], ids=["bites", "does not bite"])
def test_lamb_is_the_formula(everything_is_large: None, limit: float):
    variables, (gradients, dense) = make_variables(), some_are_sparse(make_gradients(4))
    start = [variable.numpy() for variable in variables]
    train(Lamb(0.01, 0.3, ("bias", "gamma", "beta"), MULTIPLIERS, global_clipnorm=limit), variables, gradients)
    expected = numpy_lamb(start, clipped(dense, limit)[0], 0.01, 0.3, MULTIPLIERS, (0.9, 0.999), 1e-6)
    assert_equal(variables, expected, 5e-6)


@pytest.mark.parametrize("optimizer", [AdamW, Lamb])
def test_nothing_else_is_clipped_by_the_norm_of_an_earlier_step(everything_is_large: None, optimizer: type[AdamW]):
    """`update_step` is Keras' interface, and applies the gradient that it is given."""
    ones, others, gradients = make_variables(), make_variables(), make_gradients(1)[0]
    clipping, plain = optimizer(0.1, epsilon=1.0, global_clipnorm=1e-3), optimizer(0.1, epsilon=1.0)
    clipping.build(ones)
    train(clipping, ones, [[np.zeros(shape, "float32") for shape in SHAPES.values()]])
    train(plain, others, [[np.zeros(shape, "float32") for shape in SHAPES.values()]])
    for gradient, one, other in zip(gradients, ones, others, strict=True):
        clipping.update_step(tf.constant(gradient), one.value, 0.1)
        plain.update_step(tf.constant(gradient), other.value, 0.1)
    assert_equal(ones, [variable.numpy() for variable in others], 1e-6)


@pytest.mark.parametrize("optimizer", [AdamW, Lamb])
def test_within_a_step_compiled_as_a_whole(everything_is_large: None, optimizer: type[AdamW]):
    results = []
    for jit_compile in (False, True):
        variables, gradients = make_variables(), make_gradients(3)
        instance = optimizer(0.05, global_clipnorm=1.0)
        instance.build(variables)
        step = tf.function(instance.apply, jit_compile=jit_compile)
        for parts in gradients:
            step([tf.constant(part) for part in parts])
        results.append([variable.numpy() for variable in variables])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-6)


@pytest.mark.parametrize("optimizer", [AdamW, Lamb])
def test_one_model_after_another(everything_is_large: None, optimizer: type[AdamW]):
    """A compiled function does not outlive the variables that it was made with."""
    results = []
    for _ in range(2):
        variables = make_variables()
        train(optimizer(0.05), variables, make_gradients(2))
        results.append([variable.numpy() for variable in variables])
        del variables
        gc.collect()
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_update_of_several_variables_gives_what_is_left_over():
    variables = [tf.Variable(tf.ones((300, 300))) for _ in range(2)]
    update = one_pass.in_one_pass(lambda one, two, by: (one + by, two - by, one + two))
    step = tf.function(lambda by: update(variables, by))
    (total,) = step(tf.constant(3.0))
    assert [float(tf.reduce_max(each)) for each in (*variables, total)] == [4.0, -2.0, 2.0]
    assert one_pass.pays(variables[0])


def test_small_variables_and_those_of_a_strategy_are_not_compiled():
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        assert not one_pass.pays(keras.Variable(np.ones((300, 300), "float32")).value)
    assert not one_pass.pays(tf.Variable(tf.ones((300, 3))))


def loss_after_200_steps(seed: int, dtype: str, unpad: bool) -> tuple[float, float]:
    """Trains on rows whose label depends on two words, with every fifth label wrong; the loss before and after."""
    random = np.random.default_rng(0)
    ids = random.integers(5, len(tiny.VOCABULARY), (512, 12)).astype("int32")
    labels = ((ids[:, 1] % 2) + (ids[:, 2] % 2)).astype("int32")
    labels = np.where(random.random(512) < 0.2, random.integers(0, 3, 512), labels).astype("int32")
    mask = (np.arange(12) < random.integers(4, 13, (512, 1))).astype("int32")
    rows = {"token_ids": ids, "segment_ids": np.zeros_like(ids), "padding_mask": mask}
    task = tiny.classifier(seed=seed, dtype=dtype)
    task.encoder.unpad = unpad
    task.compile(adamw(3e-3, steps=200, clip_norm=1.0), jit_compile=False)
    before = task.evaluate(rows, labels, batch_size=512, verbose=0, return_dict=True)["loss"]
    batches = tf.data.Dataset.from_tensor_slices((rows, labels)).shuffle(512, seed=seed).repeat().batch(32)
    task.fit(batches, steps_per_epoch=200, verbose=0)
    return before, task.evaluate(rows, labels, batch_size=512, verbose=0, return_dict=True)["loss"]


def plain_layer_norm(layer: LayerNorm, inputs: Any, training: bool = False) -> Any:
    return keras.ops.layer_normalization(inputs, layer.gamma, layer.beta, axis=-1, epsilon=layer.epsilon)


@pytest.mark.slow
def test_200_steps_end_at_the_loss_of_the_plain_ones(monkeypatch: pytest.MonkeyPatch):
    """All that is there for speed beside Keras' own layers in float32, padding included: within the noise of seeds."""
    seeds = range(4)
    monkeypatch.setattr(one_pass, "_LARGE", 1)
    fast = np.array([loss_after_200_steps(seed, "mixed_bfloat16", True) for seed in seeds])
    monkeypatch.setattr(one_pass, "_LARGE", 2**40)
    monkeypatch.setattr(Dropout, "call", keras.layers.Dropout.call)
    monkeypatch.setattr(LayerNorm, "call", plain_layer_norm)
    monkeypatch.setattr(linear, "gelu_with_lean_gradient", lambda inputs: keras.ops.gelu(inputs, approximate=False))
    plain = np.array([loss_after_200_steps(seed, "float32", False) for seed in seeds])
    assert plain[:, 1].max() < 0.8 * plain[:, 0].min()
    noise = np.sqrt((fast[:, 1].var(ddof=1) + plain[:, 1].var(ddof=1)) / len(seeds))
    assert abs(fast[:, 1].mean() - plain[:, 1].mean()) < 3 * noise
