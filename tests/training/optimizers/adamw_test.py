"""AdamW against the formula written out in numpy (float64), and against `keras.optimizers.AdamW`."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.training import AdamW, Lamb, LinearWarmupDecay
from tests.forked_process import run_forked

SHAPES = {
    "embeddings/word_embeddings": (6, 4),
    "block_0/attention/qkv/kernel": (4, 5),
    "block_0/attention/qkv/bias": (5,),
    "block_1/attention_norm/gamma": (4,),
    "block_1/attention_norm/beta": (4,),
    "classifier/kernel": (4, 2),
}


def make_variables(seed: int = 0) -> list[keras.Variable]:
    rng = np.random.default_rng(seed)
    variables = []
    for path, shape in SHAPES.items():
        *scopes, name = path.split("/")
        with contextlib.ExitStack() as stack:
            for scope in scopes:
                stack.enter_context(keras.name_scope(scope))
            variables.append(keras.Variable(rng.normal(size=shape).astype("float32"), name=name))
    assert [variable.path for variable in variables] == list(SHAPES)
    return variables


def make_gradients(steps: int, seed: int = 1) -> list[list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [[rng.normal(size=shape).astype("float32") for shape in SHAPES.values()] for _ in range(steps)]


def numpy_adamw(
    values: Sequence[np.ndarray],
    gradients: Sequence[Sequence[np.ndarray]],
    rates: Sequence[float],
    decay: float,
    no_decay: Sequence[str] = ("bias", "gamma", "beta"),
    multipliers: Mapping[str, float] | None = None,
    betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-6,
    constraints: Mapping[str, Callable[[np.ndarray], np.ndarray]] | None = None,
) -> list[np.ndarray]:
    """Loshchilov and Hutter 2017, algorithm 2, with TensorFlow's epsilon (outside the correction of the root)."""
    results = []
    for index, path in enumerate(SHAPES):
        parts = path.split("/")
        w = values[index].astype("float64")
        m, v = np.zeros_like(w), np.zeros_like(w)
        wd = 0.0 if parts[-1] in no_decay else decay
        for t, (step, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
            g = step[index].astype("float64")
            lr = rate * np.prod([(multipliers or {}).get(part, 1.0) for part in parts])
            m = betas[0] * m + (1 - betas[0]) * g
            v = betas[1] * v + (1 - betas[1]) * g**2
            correction = np.sqrt(1 - betas[1] ** t) / (1 - betas[0] ** t)
            w = w - lr * (correction * m / (np.sqrt(v) + epsilon) + wd * w)
            w = (constraints or {}).get(path, lambda value: value)(w)
        results.append(w)
    return results


def train(
    optimizer: keras.optimizers.Optimizer, variables: list[keras.Variable], gradients: Sequence[Sequence[object]]
) -> None:
    for step in gradients:
        optimizer.apply([tf.convert_to_tensor(g) if isinstance(g, np.ndarray) else g for g in step], variables)


def assert_equal(variables: Sequence[keras.Variable], expected: Sequence[np.ndarray], tolerance: float = 2e-6) -> None:
    for variable, value in zip(variables, expected, strict=True):
        np.testing.assert_allclose(variable.numpy(), value, rtol=0, atol=tolerance, err_msg=variable.path)


def test_steps_are_those_of_the_formula():
    variables, gradients = make_variables(), make_gradients(5)
    start = [variable.numpy() for variable in variables]
    multipliers = {"embeddings": 0.1, "block_0": 0.5, "qkv": 0.5}
    options = {"decay": 0.3, "no_decay": ["gamma", "bias"], "multipliers": multipliers, "epsilon": 1e-4}
    train(AdamW(0.01, beta_1=0.8, beta_2=0.95, **options), variables, gradients)
    assert_equal(variables, numpy_adamw(start, gradients, [0.01] * 5, betas=(0.8, 0.95), **options))


def test_the_arithmetic_for_other_backends_is_the_same(monkeypatch: pytest.MonkeyPatch):
    variables, gradients = make_variables(), make_gradients(5)
    start = [variable.numpy() for variable in variables]
    monkeypatch.setattr(keras.config, "backend", lambda: "another")
    train(AdamW(0.01, decay=0.3, multipliers={"classifier": 3.0}), variables, gradients)
    assert_equal(variables, numpy_adamw(start, gradients, [0.01] * 5, 0.3, multipliers={"classifier": 3.0}))


def test_by_default_kernels_and_tables_decay_and_biases_and_norms_do_not():
    variables = make_variables()
    start = [variable.numpy() for variable in variables]
    train(AdamW(0.1, decay=0.5), variables, [[np.zeros(shape, "float32") for shape in SHAPES.values()]])
    now = [variable.numpy() for variable in variables]
    kept = {path for path, value, before in zip(SHAPES, now, start, strict=True) if (value == before).all()}
    assert kept == {path for path in SHAPES if path.endswith(("bias", "gamma", "beta"))}
    np.testing.assert_allclose(now[0], 0.95 * start[0], rtol=1e-6)


@pytest.mark.parametrize("decay", [0.0, 0.2])
def test_without_exclusions_it_is_keras_adamw(decay: float):
    schedule = LinearWarmupDecay(0.05, steps=6, warmup_steps=2)
    ours, theirs, gradients = make_variables(), make_variables(), make_gradients(6)
    train(AdamW(schedule, decay=decay, no_decay=(), epsilon=1e-5, global_clipnorm=1.0), ours, gradients)
    reference = keras.optimizers.AdamW(schedule, weight_decay=decay, epsilon=1e-5, global_clipnorm=1.0)
    train(reference, theirs, gradients)
    # 1 - beta_2 is taken in float32 here and in float64 there: 1.3e-5 of the steps, which are 0.05 at most.
    assert_equal(ours, [variable.numpy() for variable in theirs], 2e-5)


def test_the_learning_rate_is_the_schedules():
    schedule = LinearWarmupDecay(0.05, steps=6, warmup_steps=2)
    optimizer, variables, gradients = AdamW(schedule, decay=0.1), make_variables(), make_gradients(4)
    start = [variable.numpy() for variable in variables]
    rates = []
    for step in gradients:
        rates.append(float(optimizer.learning_rate))
        train(optimizer, variables, [step])
    np.testing.assert_allclose(rates, [0, 0.025, 0.05, 0.0375], rtol=1e-6)
    assert_equal(variables, numpy_adamw(start, gradients, rates, 0.1))


def sparse(shape: tuple[int, int], indices: list[int], seed: int) -> tf.IndexedSlices:
    rows = np.random.default_rng(seed).normal(size=(len(indices), shape[1])).astype("float32")
    return tf.IndexedSlices(tf.constant(rows), tf.constant(indices), tf.constant(shape))


@pytest.mark.parametrize("in_graph", [False, True])
@pytest.mark.parametrize("clip", [{}, {"global_clipnorm": 1.0}, {"clipnorm": 0.5}, {"clipvalue": 0.3}])
def test_a_sparse_gradient_counts_as_the_dense_one(clip: dict[str, float], in_graph: bool):
    """Rows that occur twice are added up before clipping; rows that do not occur move by momentum and decay."""
    ours, theirs, dense = make_variables(), make_variables(), make_gradients(3)
    first = [sparse((6, 4), indices, seed) for seed, indices in enumerate([[1, 3, 1, 1, 0], [2, 2], [5]])]
    mixed = [[table, *step[1:]] for table, step in zip(first, dense, strict=True)]
    dense = [[tf.convert_to_tensor(table).numpy(), *step[1:]] for table, step in zip(first, dense, strict=True)]
    optimizer = AdamW(0.05, decay=0.1, **clip)
    optimizer.build(ours)
    step = tf.function(lambda gradients: optimizer.apply(gradients, ours)) if in_graph else None
    for gradients in mixed:
        (step or (lambda gradients: optimizer.apply(gradients, ours)))(
            [tf.convert_to_tensor(g) if isinstance(g, np.ndarray) else g for g in gradients]
        )
    train(AdamW(0.05, decay=0.1, **clip), theirs, dense)
    assert_equal(ours, [variable.numpy() for variable in theirs])


def test_the_gradient_is_clipped_to_its_norm_as_a_whole():
    variables = make_variables()
    optimizer = AdamW(1.0, decay=0.0, beta_1=0.0, beta_2=0.0, epsilon=1e6, global_clipnorm=2.0)
    start = [variable.numpy() for variable in variables]
    gradients = make_gradients(1)[0]
    gradients[0] = sparse((6, 4), [1, 1, 1, 2], 0)
    train(optimizer, variables, [gradients])
    # With that epsilon the step is the clipped gradient / 1e6: too small to see in the weights, not in the moments.
    moments = [moment.numpy() for moment in optimizer.first_moments]
    assert np.sqrt(sum((moment**2).sum() for moment in moments)) == pytest.approx(2.0, rel=1e-5)
    assert_equal(variables, start, 1e-5)


def small_model(policy: str = "float32") -> keras.Model:
    keras.utils.set_random_seed(0)
    ids = keras.Input((5,), dtype="int32")
    hidden = keras.layers.Embedding(20, 8, dtype=policy, name="embeddings")(ids)
    hidden = keras.layers.LayerNormalization(dtype=policy)(keras.layers.GlobalAveragePooling1D(dtype=policy)(hidden))
    return keras.Model(ids, keras.layers.Dense(3, dtype=policy)(hidden))


def small_data() -> tuple[np.ndarray, np.ndarray]:
    ids = np.random.default_rng(0).integers(0, 20, (32, 5)).astype("int32")
    return ids, (ids[:, 0] % 3).astype("int32")


def compiled(model: keras.Model, optimizer: keras.optimizers.Optimizer, **options: object) -> keras.Model:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, **{"jit_compile": False, **options})
    return model


@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["graph", "xla"])
def test_a_model_trains_as_with_keras_adamw(jit_compile: bool):
    """On dense gradients: of sparse ones Keras takes the squares row by row, which is another formula."""
    ids, targets = small_data()
    histories = []
    for optimizer in (
        AdamW(0.03, decay=0.01, no_decay=(), epsilon=1e-6),
        keras.optimizers.AdamW(0.03, weight_decay=0.01, epsilon=1e-6),
    ):
        keras.utils.set_random_seed(0)
        layers = [keras.layers.Dense(16, "relu"), keras.layers.LayerNormalization(), keras.layers.Dense(3)]
        model = compiled(keras.Sequential([keras.Input((100,)), *layers]), optimizer, jit_compile=jit_compile)
        inputs = np.eye(20, dtype="float32")[ids].reshape(32, 100)
        histories.append(model.fit(inputs, targets, batch_size=8, epochs=5, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(*histories, rtol=1e-3)
    assert histories[0][-1] < 0.5 * histories[0][0]


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_keeps_weights_and_moments_in_float32(policy: str):
    ids, targets = small_data()
    optimizer = AdamW(0.03, global_clipnorm=1.0)
    wrapped = keras.optimizers.LossScaleOptimizer(optimizer) if policy == "mixed_float16" else optimizer
    model = compiled(small_model(policy), wrapped)
    losses = model.fit(ids, targets, batch_size=8, epochs=8, shuffle=False, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    moments = [*optimizer.first_moments, *optimizer.second_moments]
    assert {variable.dtype for variable in [*model.trainable_variables, *moments]} == {"float32"}


def test_bfloat16_weights_are_refused_not_left_as_they_are():
    """0.999 is 1 in bfloat16, so that the bias correction, and with it every step, would be 0."""
    model = small_model("bfloat16")
    with pytest.raises(InputError, match=r"embeddings/embeddings is bfloat16.*mixed_bfloat16"):
        AdamW(0.03).build(model.trainable_variables)


def test_it_comes_back_from_its_config():
    optimizer = AdamW(
        LinearWarmupDecay(1e-3, 10, 2),
        decay=0.02,
        no_decay=("bias",),
        multipliers={"embeddings": 0.5},
        beta_1=0.8,
        beta_2=0.98,
        epsilon=1e-7,
        name="other",
        global_clipnorm=0.7,
    )
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert isinstance(again, AdamW)
    assert again.get_config() == optimizer.get_config()
    assert again.get_config()["learning_rate"]["config"]["steps"] == 10
    variables, others, gradients = make_variables(), make_variables(), make_gradients(4)
    train(optimizer, variables, gradients)
    train(again, others, gradients)
    assert_equal(others, [variable.numpy() for variable in variables], 0)


def test_training_goes_on_from_a_saved_model_as_if_never_stopped(tmp_path: Path):
    ids, targets = small_data()
    schedule = LinearWarmupDecay(0.02, steps=16, warmup_steps=4)
    whole = compiled(small_model(), AdamW(schedule, multipliers={"embeddings": 0.5}, global_clipnorm=1.0))
    options = {"batch_size": 8, "shuffle": False, "verbose": 0}
    whole.fit(ids, targets, epochs=2, **options)
    whole.save(tmp_path / "model.keras")
    whole.fit(ids, targets, epochs=2, **options)
    resumed = keras.saving.load_model(tmp_path / "model.keras")
    assert int(resumed.optimizer.iterations) == 8
    resumed.fit(ids, targets, epochs=2, **options)
    for variable, expected in zip(resumed.optimizer.variables, whole.optimizer.variables, strict=True):
        np.testing.assert_allclose(variable.numpy(), expected.numpy(), rtol=1e-5, atol=1e-7)
    for variable, expected in zip(resumed.trainable_variables, whole.trainable_variables, strict=True):
        np.testing.assert_allclose(variable.numpy(), expected.numpy(), rtol=1e-5, atol=1e-7)


# One number of replicas a process: TensorFlow's collective operations keep the size of their first group.
REPLICAS = """
import sys
import numpy as np
import tensorflow as tf
replicas = int(sys.argv[1])
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
from keras_bert.training import AdamW, Lamb, LinearWarmupDecay, make_strategy
from tests.training.optimizers.adamw_test import compiled, small_data, small_model

strategy = make_strategy("mirrored" if replicas > 1 else "none")
assert strategy.num_replicas_in_sync == replicas
weights = {}
for optimizer in (AdamW, Lamb):
    with strategy.scope():
        rate = LinearWarmupDecay(0.05, 40, 4)
        model = compiled(small_model(), optimizer(rate, multipliers={"embeddings": 0.5}, global_clipnorm=0.01))
    model.fit(*small_data(), batch_size=8, epochs=5, shuffle=False, verbose=0)
    assert model.optimizer.iterations.numpy() == 20
    weights[optimizer.__name__] = np.concatenate([weight.ravel() for weight in model.get_weights()])
np.savez(sys.argv[2], **weights)
"""


@pytest.mark.slow
def test_replicas_train_as_one_with_clipping_that_bites_at_every_step(tmp_path: Path):
    """The sum of the parts' gradients, clipped, is the whole's. Keras clips the parts."""
    weights = {}
    for replicas in (1, 2, 4):
        path = tmp_path / f"{replicas}.npz"
        done = run_forked(REPLICAS, str(replicas), path)
        assert done.returncode == 0, done.stderr[-3000:]
        with np.load(path) as stored:
            weights[replicas] = dict(stored)
    start = np.concatenate([weight.ravel() for weight in small_model().get_weights()])
    for name, one in weights[1].items():
        assert np.abs(one - start).max() > 0.1
        for replicas in (2, 4):
            np.testing.assert_allclose(weights[replicas][name], one, rtol=0, atol=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
def test_an_empty_sparse_gradient_is_one_of_zeros(jit_compile: bool):
    """As a replica has it that got no row of the last batch."""
    variables = make_variables()
    start = [variable.numpy() for variable in variables]
    optimizer = AdamW(0.1, decay=0.0, global_clipnorm=1.0)
    optimizer.build(variables)

    @tf.function(jit_compile=jit_compile)
    def step() -> None:
        table = tf.IndexedSlices(tf.zeros((0, 4)), tf.zeros((0,), tf.int32), tf.constant((6, 4)))
        optimizer.apply([table, *(tf.zeros(shape) for shape in list(SHAPES.values())[1:])], variables)

    step()
    assert_equal(variables, start, 0)


@pytest.mark.parametrize("make", [AdamW, Lamb])
def test_what_all_variables_need_is_computed_once_a_step(make: Any):
    """The powers of the two betas: two operations in the graph, however many variables there are."""
    variables = [keras.Variable(np.ones(3, "float32"), name=f"kernel{number}") for number in range(4)]
    optimizer = make(0.1)
    optimizer.build(variables)
    step = tf.function(lambda: optimizer.apply([tf.ones(3)] * 4, variables))
    kinds = [operation.type for operation in step.get_concrete_function().graph.get_operations()]
    assert kinds.count("Pow") == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight_decay": -0.1}, "AdamW: the weight decay is -0.1; expected 0 or more"),
        ({"decay": float("nan")}, "the weight decay is nan"),
        ({"learning_rate": -1e-5}, "the learning rate is -1e-05; expected 0 or more"),
    ],
)
def test_rates_that_would_train_backwards_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        AdamW(**options)
