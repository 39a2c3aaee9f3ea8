"""A batch computed in parts gives the update of the batch computed at once."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks.base.global_batch import GlobalBatchModel
from keras_bert.tasks.base.micro_batches import accumulate
from keras_bert.training import AdamW, LinearWarmupDecay
from tests.forked_process import run_python
from tests.tasks import tiny, tiny_questions, tiny_tags


@pytest.mark.parametrize(
    ("rows", "static"), [(0, False), (1, False), (3, False), (8, False), (11, False), (1, True), (8, True), (11, True)]
)
def test_sums_over_parts_are_those_of_the_whole(rows: int, static: bool):
    x = np.random.default_rng(0).normal(size=(rows, 3)).astype("float32")
    table = tf.Variable(np.ones((5, 3), "float32"))
    ids = tf.constant(np.arange(rows) % 4, tf.int32)
    unused, dense = tf.Variable(1.0), tf.Variable([1.0, 2.0, 3.0])
    variables = [table, unused, dense]

    def step(part: Any) -> tuple[Any, list[Any]]:
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(tf.gather(table, part["ids"]) * part["x"] * dense)
        return value, tape.gradient(value, variables)

    data = {"x": tf.constant(x), "ids": ids, "nothing": None}
    function = tf.function(lambda: accumulate(step, data, 4, variables, static=static), jit_compile=static)
    expected, gradients = step(data)
    value, sums = function()
    assert float(value) == pytest.approx(float(expected), abs=1e-5)
    assert sums[1] is None
    for index in (0, 2):
        np.testing.assert_allclose(sums[index], tf.convert_to_tensor(gradients[index]), atol=1e-5)


def test_one_part_is_computed_at_a_time():
    seen = []
    accumulate(lambda x: (float(seen.append(int(tf.shape(x)[0])) or 0), []), tf.zeros((10, 2)), 4, [])
    assert seen == [3, 3, 3, 1]


# Weights that differ from part to part, a last batch that does not divide, clipping that bites at every step.
CLASS_WEIGHTS = {"positive": 3.0, "neutral": 0.3}
CASES = {
    "classifier": (
        lambda: tiny.classifier(class_weights=CLASS_WEIGHTS, config=tiny.without_dropout()),
        lambda: tiny.dataset(tiny.LABELS),
    ),
    "several labels": (
        lambda: tiny.classifier(problem_type="multi_label_classification", config=tiny.without_dropout()),
        lambda: tiny.dataset([[label] for label in tiny.LABELS]),
    ),
    "regressor": (
        lambda: tiny.regressor(config=tiny.without_dropout()),
        lambda: tiny.dataset([float(len(text)) / 20 for text in tiny.TEXTS]),
    ),
    "tagger": (lambda: tiny_tags.tagger(config=tiny.without_dropout()), tiny_tags.rows),
    "question answerer": (
        lambda: tiny_questions.answerer(config={"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}),
        tiny_questions.rows,
    ),
    "pretrainer": (
        lambda: tiny.pretrainer(config=tiny.without_dropout()),
        lambda: tiny.pretraining_examples(37),
    ),
}


def trained(case: str, parts: int, batch_size: int = 32, epochs: int = 4, **options: Any) -> Any:
    make, make_rows = CASES[case]
    model = make()
    start = np.concatenate([weight.numpy().ravel() for weight in model.trainable_variables])
    rows = make_rows()
    rows = rows.repeat(-(-37 // int(rows.cardinality()))).take(37)
    model.compile(
        AdamW(LinearWarmupDecay(1e-2, 20, 2), global_clipnorm=0.05, skip_nonfinite=True),
        accumulate=parts,
        **{"jit_compile": False, **options},
    )
    history = model.fit(model.batches(rows, batch_size), epochs=epochs, verbose=0).history
    weights = np.concatenate([weight.numpy().ravel() for weight in model.trainable_variables])
    return history, weights, start


@pytest.mark.parametrize(
    "case", [case if case == "classifier" else pytest.param(case, marks=pytest.mark.slow) for case in CASES]
)
def test_four_parts_of_eight_train_as_thirty_two(case: str):
    """Eight steps; a batch of 32 and one of 5, which is cut into parts of 2, 2 and 1."""
    history, weights, start = trained(case, 4)
    expected_history, expected, _ = trained(case, 1)
    np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-5)
    assert np.abs(weights - start).max() > 0.01
    assert history.keys() == expected_history.keys()
    for name, values in expected_history.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-4, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["classifier", "pretrainer"])
def test_with_xla_too(case: str):
    _, weights, _ = trained(case, 4, epochs=2, jit_compile=True)
    _, expected, _ = trained(case, 1, epochs=2)
    np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_in_half_precision_with_dropout_it_learns(policy: str):
    model = tiny.classifier(dtype=policy)
    model.compile(AdamW(1e-2, global_clipnorm=1.0, skip_nonfinite=True), accumulate=3)
    losses = model.fit(model.batches(tiny.dataset(tiny.LABELS), 8).repeat(20), epochs=2, verbose=0).history["loss"]
    assert losses[1] < 0.5 * losses[0]


REPLICAS = """
import sys
import numpy as np
import tensorflow as tf
replicas, parts = int(sys.argv[1]), int(sys.argv[2])
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
from keras_bert.training import make_strategy
from tests.tasks.base import micro_batches_test as test

strategy = make_strategy("mirrored" if replicas > 1 else "none")
weights = {}
for case in ("classifier", "pretrainer"):
    with strategy.scope():
        weights[case] = test.trained(case, parts, epochs=2)[1]
np.savez(sys.argv[3], **weights)
# With dropout, whose random numbers are drawn inside of the loop.
with strategy.scope():
    model = test.tiny.classifier()
    model.compile(test.AdamW(1e-2, global_clipnorm=1.0), accumulate=parts, jit_compile=False)
rows = test.tiny.dataset(test.tiny.LABELS)
print(model.fit(model.batches(rows, 8).repeat(20), epochs=2, verbose=0).history["loss"][1])
"""


@pytest.mark.slow
def test_under_a_strategy_too(tmp_path):
    """Two replicas with four parts each, of batches that they cannot share evenly."""
    run_python(REPLICAS, 1, 1, tmp_path / "one.npz")
    assert float(run_python(REPLICAS, 2, 4, tmp_path / "many.npz")) < 0.5
    with np.load(tmp_path / "one.npz") as one, np.load(tmp_path / "many.npz") as many:
        for name in one.files:
            np.testing.assert_allclose(many[name], one[name], rtol=0, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("reduction", ["sum", "sum_over_batch_size"])
def test_regularizers_and_sums_in_parts(reduction: str):
    """With weights (batch, 1), 11 rows in parts of 3, 3, 3 and 2."""
    random = np.random.default_rng(0)
    x, y, weights = random.normal(size=(11, 3)), random.normal(size=(11, 1)), random.random((11, 1))
    results = []
    for parts in (1, 4):
        keras.utils.set_random_seed(0)
        inputs = keras.Input((3,))
        model = GlobalBatchModel(inputs, keras.layers.Dense(1, kernel_regularizer=keras.regularizers.L2(0.5))(inputs))
        loss = keras.losses.MeanSquaredError(reduction=reduction)
        model.compile(keras.optimizers.SGD(0.01), loss, accumulate=parts, jit_compile=False)
        history = model.fit(x, y, batch_size=11, sample_weight=weights, epochs=3, verbose=0).history["loss"]
        results.append([*history, *model.get_weights()[0].ravel()])
    np.testing.assert_allclose(*results, rtol=1e-5)


def test_what_is_added_to_the_loss_is_refused_in_parts():
    inputs = keras.Input((3,))
    model = GlobalBatchModel(inputs, keras.layers.Dense(1, activity_regularizer="l2")(inputs))
    model.compile("sgd", keras.losses.MeanSquaredError(), accumulate=2)
    with pytest.raises(InputError, match="by add_loss or activity_regularizer"):
        model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)


@pytest.mark.parametrize("static", [False, True])
def test_float64_is_summed_in_float64(static: bool):
    variable = tf.Variable([1.0, 1e-9], dtype=tf.float64)

    def step(part: Any) -> tuple[Any, list[Any]]:
        return tf.reduce_sum(part), [tf.reduce_sum(part) * [1.0, 2.0]]

    function = tf.function(lambda x: accumulate(step, x, 2, [variable], static=static))
    value, (total,) = function(tf.constant([[1.0], [1e-10], [1.0], [1.0]], tf.float64))
    assert (value.dtype, total.dtype) == (tf.float64, tf.float64)
    assert float(value) == 3 + 1e-10
    np.testing.assert_array_equal(total, [3 + 1e-10, 6 + 2e-10])


def test_a_saved_model_goes_on_accumulating(tmp_path):
    model = tiny.classifier(config=tiny.without_dropout())
    model.compile(AdamW(1e-2), accumulate=4)
    model.optimizer.build(model.trainable_variables)
    assert model.get_compile_config()["accumulate"] == 4
    model.save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").get_compile_config()["accumulate"] == 4


class OwnLoss(GlobalBatchModel):
    """A loss that compares the rows of a batch with each other cannot be had in parts."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return keras.ops.mean(keras.ops.logsumexp(y_pred, axis=0))


def test_in_batch_negatives_cannot_be_had_in_parts():
    with pytest.raises(InputError, match="RankingLoss compares all rows of a batch with each other") as error:
        tiny.embedder().compile("sgd", accumulate=4)
    assert "\n" not in str(error.value)
    tiny.embedder(objective="cosine").compile("sgd", accumulate=4)


def test_what_cannot_be_had_in_parts_is_refused():
    inputs = keras.Input((3,))
    outputs = keras.layers.Dense(5)(inputs)
    with pytest.raises(InputError, match="OwnLoss cannot accumulate"):
        OwnLoss(inputs, outputs).compile("sgd", accumulate=2)
    OwnLoss(inputs, outputs).compile("sgd")
    with pytest.raises(InputError, match="GlobalBatchModel cannot accumulate"):
        GlobalBatchModel(inputs, outputs).compile("sgd", lambda y, y_pred: y_pred, accumulate=2)
    with pytest.raises(InputError, match="1 or more, received: 0"):
        GlobalBatchModel(inputs, outputs).compile("sgd", "mse", accumulate=0)
