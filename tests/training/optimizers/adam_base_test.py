"""One way from gradients to variables: every combination of options is the formula in numpy (float64)."""

import itertools
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.training import AdamW, Lamb
from tests.forked_process import run_python
from tests.training.optimizers.adamw_test import (
    SHAPES,
    assert_equal,
    make_gradients,
    make_variables,
    numpy_adamw,
    train,
)
from tests.training.optimizers.lamb_test import numpy_lamb

LIMIT = 2.0
CONSTRAINTS = {"classifier/kernel": lambda value: np.maximum(value, 0), "block_0/attention/qkv/bias": lambda _: _ * 0.5}


class Half(keras.constraints.Constraint):
    def __call__(self, w: Any) -> Any:
        return w * 0.5


def expected(optimizer: type[AdamW], constrained: bool) -> list[np.ndarray]:
    """Four steps, clipped, without the step that a nan spoils."""
    start = [variable.numpy() for variable in make_variables()]
    steps = []
    for step in make_gradients(4):
        norm = np.sqrt(sum((gradient.astype("float64") ** 2).sum() for gradient in step))
        assert norm > LIMIT
        steps.append([gradient * LIMIT / norm for gradient in step])
    constraints = CONSTRAINTS if constrained else None
    if optimizer is Lamb:
        return numpy_lamb(start, steps, 0.05, 0.3, {"block_0": 0.5}, (0.9, 0.999), 1e-6, constraints)
    return numpy_adamw(start, steps, [0.05] * 4, 0.3, multipliers={"block_0": 0.5}, constraints=constraints)


def reached(optimizer: type[AdamW], skip: bool, scale: float | None, constrained: bool) -> list[np.ndarray]:
    """The same on the replicas of the current strategy: a quarter of the gradient on the first, the rest on others."""
    strategy = tf.distribute.get_strategy()
    variables = make_variables()
    if constrained:
        named = {variable.path: variable for variable in variables}
        named["classifier/kernel"].constraint = keras.constraints.NonNeg()
        named["block_0/attention/qkv/bias"].constraint = Half()
    instance = optimizer(
        0.05,
        0.3,
        multipliers={"block_0": 0.5},
        global_clipnorm=LIMIT,
        skip_nonfinite=skip,
        loss_scale_factor=scale,
    )
    instance.build(variables)

    @tf.function
    def step(gradients: list[tf.Tensor], spoil: tf.Tensor) -> None:
        def replica() -> None:
            context = tf.distribute.get_replica_context()
            count, is_first = context.num_replicas_in_sync, context.replica_id_in_sync_group == 0
            share = tf.where(is_first, 0.25, 0.75 / max(count - 1, 1)) if count > 1 else 1.0
            share = share + tf.where(is_first, 0.0, spoil) if count > 1 else share + spoil
            instance.apply([instance.scale_loss(gradient * share) for gradient in gradients], variables)

        strategy.run(replica)

    for index, gradients in enumerate(make_gradients(4)):
        tensors = [tf.constant(gradient) for gradient in gradients]
        if skip and index == 2:
            step(tensors, tf.constant(np.nan))
            assert (int(instance.skipped.numpy()), int(instance.skipped_in_a_row.numpy())) == (1, 1)
        step(tensors, tf.constant(0.0))
    assert int(instance.iterations.numpy()) == 4
    return [variable.numpy() for variable in variables]


OPTIONS = list(itertools.product((False, True), (None, 1024.0), (False, True)))
# Each pair of values of two options is among these four.
PAIRS = [options for options in OPTIONS if sum(map(bool, options)) in (0, 2)]


@pytest.mark.parametrize("optimizer", [AdamW, Lamb])
@pytest.mark.parametrize(("skip", "scale", "constrained"), OPTIONS)
def test_every_combination_on_one_replica(optimizer: type[AdamW], skip: bool, scale: float | None, constrained: bool):
    assert_equal(make_of(reached(optimizer, skip, scale, constrained)), expected(optimizer, constrained), 5e-6)


def make_of(values: list[np.ndarray]) -> list[keras.Variable]:
    variables = make_variables()
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return variables


REPLICAS = """
import sys
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from keras_bert.training import make_strategy
from tests.training.optimizers import adam_base_test as test

results = {}
with make_strategy("mirrored").scope():
    for optimizer in (test.AdamW, test.Lamb):
        for options in getattr(test, sys.argv[2]):
            for index, value in enumerate(test.reached(optimizer, *options)):
                results[f"{optimizer.__name__} {options} {index}"] = value
np.savez(sys.argv[1], **results)
print()
"""


@pytest.mark.slow
@pytest.mark.parametrize("options_of", ["PAIRS", "OPTIONS"])
def test_every_combination_on_two_replicas(tmp_path: Path, options_of: str):
    run_python(REPLICAS, tmp_path / "results.npz", options_of)
    with np.load(tmp_path / "results.npz") as results:
        for optimizer, options in itertools.product((AdamW, Lamb), globals()[options_of]):
            for index, value in enumerate(expected(optimizer, options[2])):
                name = f"{optimizer.__name__} {options} {index}"
                np.testing.assert_allclose(results[name], value, rtol=0, atol=5e-6, err_msg=name)


@pytest.mark.parametrize("clip", [{"clipnorm": 0.5}, {"clipvalue": 0.3}])
@pytest.mark.parametrize("skip", [False, True])
def test_keras_other_ways_to_clip(clip: dict[str, float], skip: bool):
    """Of the gradient as it is without the loss' scale."""
    ours, theirs, gradients = make_variables(), make_variables(), make_gradients(3)
    options = {"weight_decay": 0.1, **clip}
    scaled = [[gradient * 8 for gradient in step] for step in gradients]
    optimizer = AdamW(0.05, no_decay=(), skip_nonfinite=skip, loss_scale_factor=8.0, **options)
    train(optimizer, ours, scaled)
    train(keras.optimizers.AdamW(0.05, epsilon=1e-6, **options), theirs, gradients)
    assert_equal(ours, [variable.numpy() for variable in theirs], 2e-5)


@pytest.mark.parametrize("optimizer", [AdamW, Lamb])
@pytest.mark.parametrize("skip", [False, True])
def test_the_moving_average_is_keras_own(optimizer: type[AdamW], skip: bool):
    ours, gradients = make_variables(), make_gradients(5)
    start = [variable.numpy() for variable in ours]
    instance = optimizer(0.05, use_ema=True, ema_momentum=0.7, ema_overwrite_frequency=3, skip_nonfinite=skip)
    plain, averages, kept = make_variables(), list(start), []
    for index, step in enumerate(gradients):
        train(instance, ours, [step])
        other = optimizer(0.05)
        other.build(plain)
        for variable, value in zip(other.variables[2:], kept, strict=False):
            variable.assign(value)
        other.iterations.assign(index)
        train(other, plain, [step])
        kept = [variable.numpy() for variable in other.variables[2:]]
        momentum = 0.7 if index else 0.0
        averages = [
            momentum * one + (1 - momentum) * variable.numpy() for one, variable in zip(averages, plain, strict=True)
        ]
        if index == 2:
            for variable, average in zip(plain, averages, strict=True):
                variable.assign(average)
    assert_equal(ours, [variable.numpy() for variable in plain], 1e-6)
    instance.finalize_variable_values(ours)
    assert_equal(ours, averages, 1e-6)


@pytest.mark.parametrize("optimizer", [AdamW, Lamb])
def test_weight_decay_is_keras_name_for_decay(optimizer: type[AdamW]):
    ours, theirs, gradients = make_variables(), make_variables(), make_gradients(3)
    instance = optimizer(0.05, weight_decay=0.4)
    assert (instance.weight_decay, instance.decay) == (0.4, 0.4)
    assert optimizer.from_config(instance.get_config()).decay == 0.4
    train(instance, ours, gradients)
    train(optimizer(0.05, 0.4), theirs, gradients)
    assert_equal(ours, [variable.numpy() for variable in theirs], 0)
    assert optimizer(0.05).weight_decay == 0.01
    assert optimizer(0.05, decay=0.2, weight_decay=0.2).decay == 0.2
    with pytest.raises(InputError, match=r"decay=0\.2 and weight_decay=0\.4 name one number"):
        optimizer(0.05, 0.2, weight_decay=0.4)


@pytest.mark.parametrize("optimizer", [AdamW, Lamb])
@pytest.mark.parametrize("skip", [False, True])
def test_what_is_excluded_does_not_decay(optimizer: type[AdamW], skip: bool):
    def moved(*excluded: Any) -> set[str]:
        variables = make_variables()
        instance = optimizer(0.1, 0.5, skip_nonfinite=skip)
        if excluded:
            instance.exclude_from_weight_decay(*(each(variables) if callable(each) else each for each in excluded))
            instance = optimizer.from_config(instance.get_config())
        start = [variable.numpy() for variable in variables]
        train(instance, variables, [[np.zeros(shape, "float32") for shape in SHAPES.values()]])
        return {each.path for each, value in zip(variables, start, strict=True) if (each.numpy() != value).any()}

    all_of_them = {"embeddings/word_embeddings", "block_0/attention/qkv/kernel", "classifier/kernel"}
    assert moved() == all_of_them
    assert moved(None, ["embed", "nothing"]) == all_of_them - {"embeddings/word_embeddings"}
    assert moved(lambda variables: variables[-1:]) == all_of_them - {"classifier/kernel"}
    built = optimizer(0.1)
    built.build(make_variables())
    with pytest.raises(InputError, match="comes before training"):
        built.exclude_from_weight_decay(var_names=["bias"])


def test_accumulation_of_keras_is_refused_with_the_way_out():
    with pytest.raises(InputError, match=r"accumulate=N"):
        AdamW(0.1, gradient_accumulation_steps=4)


def test_skipping_on_another_backend_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(InputError, match="skip_nonfinite needs the backend TensorFlow, not jax"):
        Lamb(0.1, skip_nonfinite=True)


def test_what_all_variables_share_is_computed_once():
    """Also where steps may be left out, which is the way of both programs."""
    counts = []
    for count in (1, 6):
        optimizer = AdamW(0.1, global_clipnorm=1.0, skip_nonfinite=True)
        variables = make_variables()[:count]
        optimizer.build(variables)
        specs = [tf.TensorSpec(variable.shape) for variable in variables]
        graph = tf.function(optimizer.apply).get_concrete_function(specs)
        written = graph.graph.as_graph_def()
        bodies = [written.node, *(function.node_def for function in written.library.function)]
        names = [node.op for body in bodies for node in body]
        counts.append(names.count("Pow"))
    assert counts[0] == counts[1] > 0


def test_in_a_scope_without_replicas_it_steps_too():
    variables = make_variables()
    start = [variable.numpy() for variable in variables]
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        ours = make_variables()
        train(AdamW(0.1), ours, make_gradients(2))
    assert_equal(ours, numpy_adamw(start, make_gradients(2), [0.1] * 2, 0.01))
