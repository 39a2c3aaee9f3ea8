"""Batches, scores, and training under policies, XLA and replicas."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier, BertTask
from keras_bert.training import adamw
from tests.forked_process import run_python
from tests.tasks import tiny

# -- batches and evaluation ----------------------------------------------------------------------------------


def test_batches_are_numbers_only_and_their_count_is_known():
    batches = tiny.classifier(text_pair=True).batches(tiny.dataset(tiny.LABELS, tiny.PAIRS), batch_size=3)
    assert int(batches.cardinality()) == 3
    inputs, targets = batches.element_spec
    assert {name: (spec.dtype, spec.shape.rank) for name, spec in inputs.items()} == dict.fromkeys(
        ("token_ids", "segment_ids", "padding_mask"), (tf.int32, 2)
    )
    assert targets.dtype == tf.int32


def test_keras_predicts_on_batches_in_the_order_of_the_rows():
    model = tiny.classifier()
    model.compile()
    outputs = model.predict(model.batches(tiny.dataset(), batch_size=3, keep_order=True), verbose=0)
    np.testing.assert_allclose(outputs, model(model.preprocessor(tiny.TEXTS)), atol=1e-5)


def test_outputs_and_targets_of_predict_rows_belong_together():
    model = tiny.classifier()
    labels = [answer["label"] for answer in model.answer(tiny.TEXTS)]
    outputs, targets = model.predict_rows(tiny.dataset(labels), batch_size=3)
    assert outputs.argmax(1).tolist() == targets.tolist()
    direct = model(model.preprocessor(tiny.TEXTS)).numpy()
    np.testing.assert_allclose(outputs[outputs[:, 0].argsort()], direct[direct[:, 0].argsort()], atol=1e-5)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (lambda: tiny.dataset(), "the rows have no label: name the label's column"),
        (lambda: tiny.dataset(tiny.LABELS).take(0), "there are no rows to evaluate"),
    ],
)
def test_rows_that_cannot_be_scored_are_refused(rows: Callable[[], tf.data.Dataset], message: str):
    with pytest.raises(InputError, match=message):
        tiny.classifier().evaluate_rows(rows())


# -- training ------------------------------------------------------------------------------------------------


def fit_losses(model: BertTask, **options: Any) -> list[float]:
    model.compile(adamw(1e-2, steps=16), **options)
    batches = model.batches(tiny.dataset(tiny.LABELS), batch_size=4).cache().repeat()
    return model.fit(batches, steps_per_epoch=2, epochs=8, verbose=0).history["loss"]


@pytest.mark.parametrize("policy", ["mixed_bfloat16", pytest.param("mixed_float16", marks=pytest.mark.slow)])
def test_mixed_precision_trains_and_gives_float32_logits(policy: str):
    model = tiny.classifier(config=tiny.without_dropout(), dtype=policy)
    losses = fit_losses(model)
    assert losses[-1] < 0.7 * losses[0]
    assert model(model.preprocessor(["good"])).dtype == tf.float32
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
    is_scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert is_scaled == (policy == "mixed_float16"), "float16 gradients underflow without a scaled loss"


@pytest.mark.slow
def test_xla_compiles_the_training_step():
    model = tiny.classifier(config=tiny.without_dropout())
    losses = fit_losses(model, jit_compile=True)
    assert model.jit_compile is True
    assert losses[-1] < 0.7 * losses[0]
    reference = tiny.classifier(config=tiny.without_dropout())
    np.testing.assert_allclose(losses, fit_losses(reference, jit_compile=False), rtol=2e-2)


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="a GPU is here, which XLA is for")
def test_on_a_cpu_xla_is_off_unless_asked_for():
    model = tiny.classifier()
    model.compile()
    assert model.jit_compile is False
    model.compile(jit_compile=True)
    assert model.jit_compile is True, "a layer keeps XLA from compiling the model"


def test_what_compile_is_given_stays():
    model = tiny.regressor()
    model.compile("sgd", loss="mae", metrics=[])
    assert model.loss == "mae"
    assert [metric.name for metric in model.metrics] == ["loss", "compile_metrics"]


def test_padding_has_no_gradient():
    """Neither through attention nor through the pooling; the ids that stand there play no part."""
    for pooling in ("pooler", "cls", "mean", "max"):
        model = tiny.classifier(config=tiny.without_dropout(), pooling=pooling)
        inputs = {name: value[:, :8].numpy() for name, value in model.preprocessor(["good film", "book"]).items()}
        width = inputs["token_ids"].shape[1]
        wide = {name: np.pad(value, ((0, 0), (0, 12 - width))) for name, value in inputs.items()}
        wide["token_ids"] = np.where(wide["padding_mask"] == 1, wide["token_ids"], tiny.VOCABULARY.index("dull"))
        with tf.GradientTape() as tape:
            logits = model(wide, training=True)
            loss = tf.reduce_sum(logits**2)
        gradient = tf.convert_to_tensor(tape.gradient(loss, model.encoder.embeddings.word_embeddings.value))
        np.testing.assert_allclose(logits, model(inputs), atol=1e-5)
        assert np.isfinite(gradient).all()
        assert np.abs(gradient[tiny.VOCABULARY.index("dull")]).max() == 0, pooling
        assert np.abs(gradient[tiny.VOCABULARY.index("good")]).max() > 0, pooling


REPLICAS = """
import json, sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from keras_bert.training import adamw, make_strategy
from tests.tasks import tiny

strategy = make_strategy("mirrored")
with strategy.scope():
    model = tiny.classifier(config=tiny.without_dropout())
    model.compile(adamw(1e-2, steps=16))
# Five rows: the last batch has one, so that one replica gets none.
rows = tiny.dataset(tiny.LABELS[:5], texts=tiny.TEXTS[:5])
batches = model.batches(rows, batch_size=4).cache().repeat()
losses = model.fit(batches, steps_per_epoch=2, epochs=8, verbose=0).history["loss"]
answers = model.answer(tiny.TEXTS)
scores = model.evaluate_rows(rows)
model.save_preset(sys.argv[1] + "/preset")
model.export(sys.argv[1] + "/export")
print(json.dumps([strategy.num_replicas_in_sync, losses, answers, scores]))
"""


@pytest.mark.slow
def test_two_replicas_train_and_save(tmp_path: Path):
    replicas, losses, answers, scores = json.loads(run_python(REPLICAS, tmp_path))
    assert replicas == 2
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.5 * losses[0]
    assert scores["accuracy"] == 1.0, "the trained weights are those that answer"
    expected = [answer["score"] for answer in answers]
    reopened = BertClassifier.from_preset(tmp_path / "preset").answer(tiny.TEXTS)
    np.testing.assert_allclose([answer["score"] for answer in reopened], expected, atol=1e-5)
    exported = tf.saved_model.load(str(tmp_path / "export")).signatures["serving_default"]
    np.testing.assert_allclose(exported(text=tf.constant(tiny.TEXTS))["score"], expected, atol=1e-5)
