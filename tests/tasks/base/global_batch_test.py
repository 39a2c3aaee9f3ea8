"""The truth: one device with the whole batch."""

import json
import os
import socket
import sys
import types
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks.base import global_batch
from keras_bert.tasks.base.global_batch import GlobalBatchModel, global_mean
from keras_bert.tasks.embedding.ranking_loss import RankingLoss
from keras_bert.tasks.pooled.loss import ClassificationLoss
from keras_bert.training import AdamW, LinearWarmupDecay
from tests.data.batching.static_shapes_test import CASES
from tests.forked_process import ROOT, run_python
from tests.scripts.programs import Worker
from tests.tasks import tiny


def test_the_mean_is_over_what_counts():
    values, weights = np.array([[1.0, 2.0, 100.0], [6.0, 100.0, 100.0]]), np.array([[1.0, 1, 0], [1, 0, 0]])
    assert float(global_mean(values, weights)) == 3.0
    assert float(global_mean(values, weights, np.ones((2, 3)))) == 1.5
    assert float(global_mean(values, 0.1 * weights)) == pytest.approx(3.0)
    assert float(global_mean(values, 0.0 * values)) == 0.0


def on_one_of_two_replicas(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one has nothing."""

    class Context:
        num_replicas_in_sync = 2

        def all_reduce(self, _, value):
            return value

    monkeypatch.setattr("tensorflow.distribute.get_replica_context", Context)


@pytest.mark.parametrize("regularizer", [None, keras.regularizers.L2(0.3)], ids=["", "regularized"])
@pytest.mark.parametrize("weights", [None, [1.0, 0.5, 2.0, 1.0], [[1.0], [0.5], [2.0], [1.0]]], ids=str)
@pytest.mark.parametrize(
    "loss",
    [
        ClassificationLoss(0.1),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum"),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean"),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight"),
    ],
    ids=lambda loss: f"{loss.name} {loss.reduction}",
)
def test_a_part_is_what_keras_has_on_one_device(loss, weights, regularizer, monkeypatch: pytest.MonkeyPatch):
    inputs = keras.Input((3,))
    model = GlobalBatchModel(inputs, keras.layers.Dense(5, kernel_regularizer=regularizer)(inputs))
    model.compile("sgd", loss)
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    y = np.array([0, 4, 2, 2])
    weights = None if weights is None else np.array(weights, "float32")
    expected = float(model.compute_loss(x, y, model(x), weights))
    on_one_of_two_replicas(monkeypatch)
    assert float(model.compute_loss(x, y, model(x), weights)) == pytest.approx(expected, rel=1e-6)
    nothing = np.zeros((0, 3), "float32"), np.zeros((0,), "int32")
    assert float(model.compute_loss(nothing[0], nothing[1], model(nothing[0]))) == 0.0


@pytest.mark.parametrize("loss", ["mse", {"dense": keras.losses.MeanSquaredError()}, lambda y, y_pred: y_pred, None])
def test_a_loss_that_replicas_cannot_share_is_refused(loss, monkeypatch: pytest.MonkeyPatch):
    inputs = keras.Input((3,))
    model = GlobalBatchModel(inputs, keras.layers.Dense(5)(inputs))
    two = property(lambda self: types.SimpleNamespace(num_replicas_in_sync=2))
    monkeypatch.setattr(GlobalBatchModel, "distribute_strategy", two)
    with pytest.raises(InputError, match=r"several replicas.*give one as an object"):
        model.compile("sgd", loss)
    with pytest.raises(InputError, match="loss_weights do not count with several replicas"):
        model.compile("sgd", keras.losses.MeanSquaredError(), loss_weights=[0.5])


def test_in_batch_negatives_are_those_of_the_replica(monkeypatch: pytest.MonkeyPatch):
    """The loss is the mean over all rows; the candidates of a row are the replica's: the truth is the loss itself."""
    inputs = keras.Input((4,))
    model = GlobalBatchModel(inputs, keras.layers.Identity()(inputs))
    model.compile("sgd", RankingLoss())
    vectors = np.random.default_rng(0).normal(size=(10, 4)).astype("float32")
    prints = np.arange(10, dtype="float32").reshape(5, 2)

    class Context:
        num_replicas_in_sync = 2

        def all_reduce(self, _, value):
            return 0.0 * value + 5.0

    monkeypatch.setattr("tensorflow.distribute.get_replica_context", Context)
    parts = [(vectors[:6], prints[:3]), (vectors[6:], prints[3:])]
    found = sum(float(model.compute_loss(x, y, model(x))) for x, y in parts)
    by_replica = np.concatenate([RankingLoss().call(y, x) for x, y in parts])
    assert found == pytest.approx(float(by_replica.mean()), rel=1e-6)
    assert found < 0.9 * float(np.mean(RankingLoss().call(prints, vectors)))  # of all ten, it is harder


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_step_hands_out_its_own_loss_and_whether_it_is_finite(accumulate: int):
    """The third batch holds a nan: it is in no metric, and its weights are those before."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((3,))
    model = GlobalBatchModel(inputs, keras.layers.Dense(2)(inputs))
    assert model.last_step is None
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(AdamW(0.0, skip_nonfinite=True), loss, ["accuracy"], accumulate=accumulate)
    x = np.random.default_rng(0).normal(size=(4, 4, 3)).astype("float32")
    y = np.tile([0, 1, 1, 0], (4, 1))
    expected = [float(loss(y[index], model(x[index]))) for index in range(4)]
    x[2, 1] = np.nan
    steps, values = [], []
    batches = tf.data.Dataset.from_tensor_slices((x, y))
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: (steps.append(model.last_step), values.append(logs))
    )
    model.fit(batches, verbose=0, shuffle=False, callbacks=[note])
    assert [step.is_finite for step in steps] == [True, True, False, True]
    finite = [0, 1, 3]
    np.testing.assert_allclose([steps[index].loss for index in finite], np.array(expected)[finite], rtol=1e-5)
    assert np.isnan(steps[2].loss)
    assert values[2] == values[1]
    assert values[3]["loss"] == pytest.approx(np.mean(np.array(expected)[finite]), rel=1e-5)


def test_float16_on_several_replicas_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch):
    model = tiny.classifier(dtype="mixed_float16")
    model.compile()
    two = property(lambda self: types.SimpleNamespace(num_replicas_in_sync=2))
    monkeypatch.setattr(GlobalBatchModel, "distribute_strategy", two)
    with pytest.raises(InputError, match="take mixed_bfloat16"):
        model.compile()


@pytest.mark.parametrize("case", CASES)
def test_every_task_can_be_built_before_its_batches_are_dealt_out(case: str, monkeypatch: pytest.MonkeyPatch):
    """On a batch of zeros, as `fit` under a strategy does it: metrics, and what the loss needs."""
    make, rows = CASES[case]
    model = make()
    model.compile("sgd")
    two = property(lambda self: types.SimpleNamespace(num_replicas_in_sync=2))
    built = []
    evaluate = model.test_on_batch
    monkeypatch.setattr(model, "test_on_batch", lambda *batch: built.append(batch))
    with monkeypatch.context() as patched:
        patched.setattr(GlobalBatchModel, "distribute_strategy", two)
        model._build_compiled_state(model.batches(rows(), 5))
    assert np.isfinite(evaluate(*built[0])).all()


def test_a_step_is_traced_once(monkeypatch: pytest.MonkeyPatch):
    """TensorFlow traces a step that makes variables, as those of the optimizer, a second time without them."""
    traced = []
    model = tiny.classifier(config=tiny.without_dropout())
    step = model.train_step
    monkeypatch.setattr(model, "train_step", lambda data: traced.append(data) or step(data))
    model.compile("adam", jit_compile=False)
    model.fit(model.batches(tiny.dataset(tiny.LABELS), 4), verbose=0)
    assert len(traced) == 1


@pytest.mark.parametrize(("make", "rate"), [(tiny.classifier, 3e-5), (tiny.pretrainer, 1e-4)])
def test_compile_without_arguments_is_a_recipe_for_bert(make, rate: float):
    model = make()
    model.compile()
    assert isinstance(model.optimizer, AdamW)
    assert (model.optimizer.decay, model.optimizer.global_clipnorm) == (0.01, 1.0)
    assert float(model.optimizer.learning_rate) == pytest.approx(rate)


def test_training_past_the_end_of_the_schedule_is_warned_of(monkeypatch: pytest.MonkeyPatch):
    warned = []
    monkeypatch.setattr(global_batch.logging, "warning", lambda text, *values: warned.append(text % values))
    inputs = keras.Input((3,))
    model = GlobalBatchModel(inputs, keras.layers.Dense(1)(inputs))
    model.compile(AdamW(LinearWarmupDecay(0.1, 4)), keras.losses.MeanSquaredError(), jit_compile=False)
    x, y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")
    model.fit(x, y, batch_size=2, verbose=0)
    assert not warned
    before = model.get_weights()
    model.fit(x, y, batch_size=2, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    assert len(warned) == 1
    assert "from step 4 on the rate is 0" in warned[0]
    model.fit(x, y, batch_size=2, verbose=0)
    assert len(warned) == 2
    model.compile(AdamW(LinearWarmupDecay(0.1, 6)), keras.losses.MeanSquaredError(), jit_compile=False)
    model.fit(x, y, batch_size=2, epochs=2, verbose=0)
    assert len(warned) == 3


# One number of replicas a process: TensorFlow's collective operations keep the size of their first group.
REPLICAS = """
import os, sys
import numpy as np
import tensorflow as tf
replicas, workers = int(sys.argv[1]), "TF_CONFIG" in os.environ
if not workers:
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
from keras_bert.training import AdamW, LinearWarmupDecay, make_strategy

strategy = make_strategy("multi_worker" if workers else "mirrored" if replicas > 1 else "none")
from tests.tasks import tiny, tiny_questions, tiny_tags
assert strategy.num_replicas_in_sync == replicas
# Batches of 5 and of 3: replicas with different numbers of rows, and with none.
LABELED = tiny.dataset(tiny.LABELS)
NUMBERS = tiny.dataset([float(len(text)) / 20 for text in tiny.TEXTS])
WEIGHTS = {"positive": 3.0, "neutral": 0.3}
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
CASES = {
    "classifier": (lambda **options: tiny.classifier(class_weights=WEIGHTS, **options), LABELED),
    "regressor": (tiny.regressor, NUMBERS),
    "tagger": (tiny_tags.tagger, tiny_tags.rows()),
    "question answerer": (lambda config: tiny_questions.answerer(config=NO_DROPOUT), tiny_questions.rows()),
    "pretrainer": (tiny.pretrainer, tiny.pretraining_examples(8)),
}
weights = {}
for name, (make, rows) in CASES.items():
    with strategy.scope():
        model = make(config=tiny.without_dropout())
        model.compile(AdamW(LinearWarmupDecay(1e-2, 20, 2), global_clipnorm=0.05), jit_compile=False)
    batches = model.batches(rows, batch_size=5).repeat()
    losses = model.fit(batches, steps_per_epoch=10, epochs=2, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    weights[name] = np.concatenate([weight.numpy().ravel() for weight in model.trainable_variables])
np.savez(sys.argv[2], **weights)
"""


def run_workers(count: int, folder: Path) -> list[Path]:
    """Runs as many processes that form a cluster on this machine; returns what each left."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
    cluster = {"worker": [f"localhost:{server.getsockname()[1]}" for server in sockets]}
    for server in sockets:
        server.close()
    workers = []
    for index in range(count):
        task = {"cluster": cluster, "task": {"type": "worker", "index": index}}
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CONFIG": json.dumps(task)}
        command = [sys.executable, "-c", REPLICAS, str(count), str(folder / f"worker{index}.npz")]
        workers.append(Worker(command, env=environment))
    for worker in workers:
        done = worker.end()
        assert done.returncode == 0, done.stderr[-3000:]
    return [folder / f"worker{index}.npz" for index in range(count)]


@pytest.mark.slow
def test_replicas_and_workers_learn_what_one_device_does(tmp_path: Path):
    """After 20 steps with clipping that bites at every step and uneven batches, without dropout."""
    for replicas in (1, 2, 4):
        run_python(REPLICAS + "print()", replicas, tmp_path / f"{replicas}.npz")
    paths = [tmp_path / "2.npz", tmp_path / "4.npz", *run_workers(2, tmp_path)]
    with np.load(tmp_path / "1.npz") as one:
        for path in paths:
            with np.load(path) as many:
                for name in one.files:
                    np.testing.assert_allclose(many[name], one[name], rtol=0, atol=1e-5, err_msg=f"{name}, {path.name}")


UPSTREAM = """
import keras
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
rows = tf.data.Dataset.from_tensor_slices((np.ones((5, 2)), np.ones((5, 1)))).batch(5)
try:
    model.fit(rows, verbose=0)
except tf.errors.InvalidArgumentError as error:
    print("AddN" in str(error))
else:
    print("mended")
"""


@pytest.mark.slow
def test_keras_still_fails_on_uneven_batches():
    """When this fails, Keras has mended keras-team/keras#20585: `_maybe_symbolic_build` can go."""
    assert run_python(UPSTREAM) == "True"
