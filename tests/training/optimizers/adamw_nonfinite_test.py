"""A step with a nan in its gradient is left out, on all replicas alike; the truth is a run without that step."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.training import AdamW, Lamb, LinearWarmupDecay
from tests.forked_process import run_forked
from tests.training.optimizers.adamw_test import (
    SHAPES,
    assert_equal,
    compiled,
    make_gradients,
    make_variables,
    small_data,
    small_model,
    train,
)


@pytest.mark.parametrize("optimizer", [AdamW, Lamb])
@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["graph", "xla"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30], ids=["nan", "inf", "overflow"])
def test_a_bad_step_is_left_out_of_weights_moments_and_schedule(optimizer: type[AdamW], jit_compile: bool, bad: float):
    gradients = make_gradients(4)
    spoiled = [gradient.copy() for gradient in gradients[0]]
    spoiled[1].flat[0] = bad
    rate = LinearWarmupDecay(0.05, 10, 2)
    expected, variables = make_variables(), make_variables()
    plain = optimizer(rate, global_clipnorm=0.5)
    train(plain, expected, gradients)

    guarded = optimizer(rate, global_clipnorm=0.5, skip_nonfinite=True)
    guarded.build(variables)
    step = tf.function(lambda *parts: guarded.apply(parts, variables), jit_compile=jit_compile)
    counts = []
    for part in (gradients[0], spoiled, spoiled, *gradients[1:3], spoiled, gradients[3]):
        step(*map(tf.constant, part))
        counts.append((int(guarded.skipped), int(guarded.skipped_in_a_row)))
    assert counts == [(0, 0), (1, 1), (2, 2), (2, 0), (2, 0), (3, 1), (3, 0)]
    assert int(guarded.iterations) == 4
    assert_equal(variables, [variable.numpy() for variable in expected])
    assert_equal(guarded.first_moments, [moment.numpy() for moment in plain.first_moments])
    assert_equal(guarded.second_moments, [moment.numpy() for moment in plain.second_moments])


def test_a_bad_row_of_a_sparse_gradient_counts_too():
    variables = make_variables()
    start = [variable.numpy() for variable in variables]
    optimizer = AdamW(0.1, skip_nonfinite=True)
    rows = tf.constant([[np.nan] * 4, [1.0] * 4])
    table = tf.IndexedSlices(rows, tf.constant([2, 2]), tf.constant((6, 4)))
    train(optimizer, variables, [[table, *(np.ones(shape, "float32") for shape in list(SHAPES.values())[1:])]])
    assert_equal(variables, start, 0)
    assert int(optimizer.skipped) == 1


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_without_bad_steps_it_is_the_same_optimizer(policy: str):
    weights = []
    for skip in (False, True):
        model = compiled(small_model(policy), AdamW(0.05, global_clipnorm=0.01, skip_nonfinite=skip))
        model.fit(*small_data(), batch_size=8, epochs=2, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-6)


def test_it_comes_back_from_its_config():
    assert AdamW.from_config(AdamW(0.1, skip_nonfinite=True).get_config()).skip_nonfinite
    assert not Lamb.from_config(Lamb(0.1).get_config()).skip_nonfinite


REPLICAS = """
import sys
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from keras_bert.training import AdamW, make_strategy
from tests.training.optimizers.adamw_test import make_variables

strategy = make_strategy("mirrored")
with strategy.scope():
    variables = make_variables()
    optimizer = AdamW(0.1, global_clipnorm=0.5, skip_nonfinite=True)
    optimizer.build(variables)

@tf.function
def step(bad):
    def replica():
        index = tf.distribute.get_replica_context().replica_id_in_sync_group
        spoil = tf.where(bad & (index == 1), np.nan, 0.0)
        optimizer.apply([tf.ones(variable.shape) + spoil for variable in variables], variables)
    strategy.run(replica)

start = [variable.numpy() for variable in variables]
step(tf.constant(True))
assert all(np.array_equal(one, other.numpy()) for one, other in zip(start, variables))
counts = lambda: [int(each.numpy()) for each in (optimizer.skipped, optimizer.skipped_in_a_row, optimizer.iterations)]
assert counts() == [1, 1, 0]
step(tf.constant(False))
assert counts() == [1, 0, 1]
for variable, before in zip(variables, start):
    one, other = (part.numpy() for part in strategy.experimental_local_results(variable.value))
    assert np.array_equal(one, other) and not np.array_equal(one, before)
"""


@pytest.mark.slow
def test_a_nan_on_the_second_replica_leaves_the_step_out_on_both():
    done = run_forked(REPLICAS)
    assert done.returncode == 0, done.stderr[-3000:]
