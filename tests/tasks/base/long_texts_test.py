"""Texts in windows, through whole tasks: each window encoded alone by the plain encoder, and pooled by numpy."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.data import read
from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier, BertEmbedder, BertMultipleChoice, BertRegressor
from keras_bert.tasks.base.long_texts import in_chunks
from keras_bert.training.privacy.privacy import Privacy
from tests.forked_process import run_python
from tests.tasks import tiny

TEXTS = [" ".join([*tiny.TEXTS, text]) for text in tiny.TEXTS[:3]] + tiny.TEXTS
LABELS = ["positive", "negative", "neutral", *tiny.LABELS]
SCORES = np.linspace(0, 1, len(TEXTS), dtype="float32")


def windows(**options: Any) -> Any:
    return tiny.preprocessor(8, pad_to_multiple_of=1, long_texts="windows", **options)


@pytest.fixture(scope="module")
def model() -> BertClassifier:
    return tiny.classifier(preprocessor=windows(), window_pooling="attention")


def vectors_of_windows(model: Any, text: str) -> np.ndarray:
    """Encodes the windows of a text one by one, without padding: float32 (windows, size)."""
    inputs = model.preprocessor([text])
    found = []
    for index in range(inputs["token_ids"].shape[1]):
        length = int(tf.reduce_sum(inputs["padding_mask"][0, index]))
        alone = {name: tensor[:1, index, :length] for name, tensor in inputs.items()}
        outputs = model.encoder(alone, training=False)
        found.append(outputs.get("pooled_output", tf.reduce_mean(outputs["sequence_output"], axis=1)))
    return np.concatenate(found)


def pooled_by_numpy(model: Any, text: str) -> np.ndarray:
    vectors = vectors_of_windows(model, text)
    if model.window_pooling == "attention":
        weights = np.exp(vectors @ model.get_layer("window_pooling").query.numpy())
        return (vectors * (weights / weights.sum())[:, None]).sum(0)
    return vectors.max(0) if model.window_pooling == "max" else vectors.mean(0)


@pytest.mark.parametrize("pooling", ["mean", "max", "attention"])
def test_a_classifier_pools_windows_that_are_each_encoded_alone(pooling: str):
    model = tiny.classifier(preprocessor=windows(), window_pooling=pooling)
    head = model.classifier
    outputs, _ = model.logits_in_order({"text": TEXTS, "label": LABELS}, batch_size=4)
    for text, logits in zip(TEXTS, outputs, strict=True):
        expected = pooled_by_numpy(model, text) @ head.kernel.numpy() + head.bias.numpy()
        np.testing.assert_allclose(logits, expected, rtol=2e-5, atol=2e-5)


def test_a_regressor_of_pairs_does_too():
    model = tiny.regressor(preprocessor=windows(), text_pair=True, pooling="mean")
    pairs = [("good", text) for text in TEXTS]
    for answer, pair in zip(model.answer(pairs), pairs, strict=True):
        assert answer["score"] == pytest.approx(model.answer([pair])[0]["score"], abs=1e-5)
    inputs = model.preprocessor(*([part] for part in pairs[0]))
    assert inputs["token_ids"].shape[1] == 8
    hidden = [model.encoder({name: each[:, index] for name, each in inputs.items()}) for index in range(8)]
    masks = [tf.cast(inputs["padding_mask"][:, index, :, None], tf.float32) for index in range(8)]
    means = [
        tf.reduce_sum(each["sequence_output"] * mask, 1) / tf.reduce_sum(mask, 1)
        for each, mask in zip(hidden, masks, strict=True)
    ]
    expected = np.mean(means, 0) @ model.classifier.kernel.numpy() + model.classifier.bias.numpy()
    assert model.answer(pairs)[0]["score"] == pytest.approx(expected.item(), abs=2e-5)


def test_an_embedder_pools_windows_and_learns_from_pairs():
    model = tiny.embedder(preprocessor=windows(window_stride=4), normalize=False)
    found = model.embed(TEXTS, batch_size=4)
    for text, vector in zip(TEXTS, found, strict=True):
        np.testing.assert_allclose(vector, vectors_of_windows(model, text).mean(0), rtol=2e-5, atol=2e-5)
    rows = {"text": TEXTS, "text_pair": TEXTS[::-1]}
    inputs, _ = next(iter(model.batches(rows, batch_size=4, keep_order=True)))
    np.testing.assert_allclose(model(inputs)[0], found[0], rtol=2e-5, atol=2e-5)
    np.testing.assert_allclose(model(inputs)[1], found[-1], rtol=2e-5, atol=2e-5)
    model.compile(keras.optimizers.SGD(0.1))
    assert np.isfinite(model.fit(model.batches(rows, batch_size=4), verbose=0).history["loss"][0])


def test_a_text_alone_is_answered_as_in_a_batch(model: BertClassifier):
    together = model.answer(TEXTS, scores=True)
    alone = [model.answer([text], scores=True)[0] for text in TEXTS]
    for one, other in zip(together, alone, strict=True):
        assert one["scores"] == pytest.approx(other["scores"], abs=1e-6)


@pytest.mark.parametrize("most", [1, 7, 1000])
def test_parts_of_a_batch_are_the_batch(model: BertClassifier, most: int):
    inputs = model.preprocessor(TEXTS)
    widths = []

    def function(part: dict[str, Any]) -> Any:
        ids = part["token_ids"]
        tf.py_function(lambda shape: widths.append(shape.numpy()), [tf.shape(ids)], [])
        return model(part, training=False)

    found = tf.function(lambda: in_chunks(function, inputs, 3, most))()
    np.testing.assert_allclose(found, model(inputs), rtol=1e-5, atol=1e-5)
    assert all(rows == 1 or rows * windows <= most for rows, windows, _ in widths)


@pytest.mark.parametrize("make", [tiny.classifier, tiny.embedder], ids=["classifier", "embedder"])
def test_half_precision_stays_near(make: Any):
    options = {"preprocessor": windows(), "pooling": "mean", "window_pooling": "attention"}
    exact, coarse = (make(**options, dtype=dtype) for dtype in ("float32", "mixed_bfloat16"))
    coarse.set_weights(exact.get_weights())
    inputs = exact.preprocessor(TEXTS)
    found = coarse.outputs_of(inputs)
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, exact.outputs_of(inputs), atol=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"freeze": True}, {"dtype": "int8", "calibration": TEXTS}], ids=["frozen", "int8"])
def test_frozen_and_8_bit_exports_answer_too(model: BertClassifier, options: dict, tmp_path: Path):
    model.export(tmp_path / "export", **options)
    served = tf.saved_model.load(tmp_path / "export").signatures["serving_default"](text=tf.constant(TEXTS))
    expected = [list(answer["scores"].values()) for answer in model.answer(TEXTS, scores=True)]
    np.testing.assert_allclose(served["scores"], expected, atol=1e-5 if "freeze" in options else 0.1)


def test_no_rows_are_no_answers(model: BertClassifier):
    assert model.answer([]) == []
    assert model.outputs_of(model.preprocessor(tf.constant([], tf.string))).shape == (0, 3)


OPENED = """
import json, sys
from keras_bert.tasks import open_task
import keras, keras_bert
folder, texts = sys.argv[1], json.loads(sys.argv[2])
task = open_task(folder + "/folder")
again = keras.saving.load_model(folder + "/model.keras")
found = [[answer["scores"] for answer in each.answer(texts, scores=True)] for each in (task, again)]
print(json.dumps({"found": found, "settings": task.preprocessor.settings, "pooling": again.window_pooling}))
"""


@pytest.mark.slow
def test_another_process_opens_what_was_saved(model: BertClassifier, tmp_path: Path):
    model.save_preset(tmp_path / "folder")
    model.save(tmp_path / "model.keras")
    found = json.loads(run_python(OPENED, str(tmp_path), json.dumps(TEXTS)))
    expected = [answer["scores"] for answer in model.answer(TEXTS, scores=True)]
    for scores in found["found"]:
        for one, other in zip(scores, expected, strict=True):
            assert one == pytest.approx(other, abs=1e-6)
    assert found["settings"] == {"max_length": 8, "truncation": "longest_first", "long_texts": "windows"}
    assert found["pooling"] == "attention"


def test_a_folder_can_be_opened_to_read_in_another_way(model: BertClassifier, tmp_path: Path):
    model.save_preset(tmp_path / "folder")
    cut = BertClassifier.from_preset(tmp_path / "folder", long_texts="cut")
    assert cut.preprocessor.settings == {"max_length": 8, "truncation": "longest_first"}
    assert cut.window_pooling is None
    more = BertClassifier.from_preset(tmp_path / "folder", max_windows=2, window_pooling="max")
    assert more.preprocessor.settings["max_windows"] == 2
    assert (more.preprocessor.long_texts.how, more.window_pooling) == ("windows", "max")
    longer = BertClassifier.from_preset(tmp_path / "folder", long_texts="cut", max_length=40, positions="hierarchical")
    assert longer.encoder.config.max_position_embeddings == 40
    short = "good film"  # within the rows that there were
    assert longer.answer([short], scores=True) == cut.answer([short], scores=True)
    longer.save_preset(tmp_path / "longer")
    saved = BertClassifier.from_preset(tmp_path / "longer")
    assert saved.answer([TEXTS[0]], scores=True) == longer.answer([TEXTS[0]], scores=True)
    assert saved.preprocessor.max_length == 40


@pytest.mark.parametrize("make", [tiny.regressor, tiny.embedder], ids=["regressor", "embedder"])
def test_what_attention_has_learned_is_kept(make: Any, tmp_path: Path):
    model = make(preprocessor=windows(), pooling="mean", window_pooling="attention")
    assert np.any(model.get_layer("window_pooling").query.numpy())
    model.save_preset(tmp_path / "folder")
    saved = type(model).from_preset(tmp_path / "folder")
    assert not saved.load_report.new
    inputs = model.preprocessor(TEXTS)
    np.testing.assert_array_equal(saved.outputs_of(inputs), model.outputs_of(inputs))


def test_the_served_function_gives_the_answers(model: BertClassifier, tmp_path: Path):
    model.export(tmp_path / "export")
    served = tf.saved_model.load(tmp_path / "export")
    found = served.signatures["serving_default"](text=tf.constant(TEXTS))["scores"].numpy()
    expected = [list(answer["scores"].values()) for answer in model.answer(TEXTS, scores=True)]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    inputs = model.preprocessor(TEXTS[:2])  # both of as many windows
    by_ids = served.signatures["token_ids"](**inputs)["scores"].numpy()
    np.testing.assert_allclose(by_ids, expected[:2], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"long_texts": "head_tail"}, {"long_texts": "windows"}], ids=["ends", "windows"])
def test_real_long_texts_are_served_as_python_answers_them(options: dict, shared_data: Path, tmp_path: Path):
    rows = read(shared_data / "text_classification" / "imdb" / "test.tsv", text="text", label="label")
    texts = [row["text"].numpy() for row in rows.take(12)]
    model = BertClassifier.from_preset("minilm", labels=["0", "1"], max_length=64, **options)
    assert sum(model.preprocessor.tokens_left_out(texts).numpy() > 0) > 2
    model.export(tmp_path / "export")
    served = tf.saved_model.load(tmp_path / "export").signatures["serving_default"](text=tf.constant(texts))
    expected = [list(answer["scores"].values()) for answer in model.answer(texts, scores=True, batch_size=5)]
    np.testing.assert_allclose(served["scores"], expected, atol=1e-5)


TRAINED = """
import json
import keras
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from keras_bert.training import make_strategy
from tests.tasks import tiny
from tests.tasks.base.long_texts_test import LABELS, TEXTS, windows

def trained(strategy=None, **options):
    def make():
        model = tiny.classifier(preprocessor=windows(), window_pooling="attention", config=tiny.without_dropout())
        model.compile(keras.optimizers.SGD(0.1), **options)
        return model
    if strategy is None:
        model = make()
    else:
        with strategy.scope():
            model = make()
    rows = {"text": TEXTS, "label": LABELS}
    model.fit(model.batches(rows, batch_size=len(TEXTS)), epochs=2, verbose=0)
    scores = model.evaluate_rows(rows, 4)
    return [scores["loss"], *(float(np.abs(weight.numpy()).sum()) for weight in model.weights)]

strategy = make_strategy("mirrored")
print(json.dumps([trained(), trained(accumulate=3), trained(strategy)]))
"""


@pytest.mark.slow
def test_parts_of_a_batch_and_replicas_learn_what_one_device_does():
    """The loss is one of texts, however many windows each has."""
    alone, in_parts, on_replicas = json.loads(run_python(TRAINED))
    assert in_parts == pytest.approx(alone, rel=1e-5)
    assert on_replicas == pytest.approx(alone, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("adversary", ["fgm", "rdrop"])
def test_adversaries_go_through_windows(adversary: str):
    model = tiny.classifier(preprocessor=windows(), config=tiny.config(num_hidden_layers=1))
    model.compile(keras.optimizers.SGD(0.1), adversary=adversary)
    history = model.fit(model.batches({"text": TEXTS, "label": LABELS}, batch_size=4), verbose=0).history
    assert np.isfinite(history["loss"][0])


def test_what_cannot_read_windows_says_so(model: BertClassifier, tmp_path: Path):
    from keras_bert.compression.distillation.distiller import Distiller

    with pytest.raises(InputError, match="explain knows no long_texts='windows'"):
        model.explain([TEXTS[0]])
    with pytest.raises(InputError, match="format='onnx' knows no long_texts='windows'"):
        model.export(tmp_path / "onnx", format="onnx")
    with pytest.raises(InputError, match="distillation knows no long_texts='windows'"):
        Distiller(model, model)
    with pytest.raises(InputError, match="privacy knows no long_texts='windows'"):
        model.compile(keras.optimizers.SGD(0.1), privacy=Privacy(epsilon=8, rows=1000, batch_size=10, steps=10))
    with pytest.raises(InputError, match="a BertMultipleChoice has none"):
        tiny.make(BertMultipleChoice, preprocessor=windows())
    with pytest.raises(InputError, match="window_pooling is for long_texts='windows'"):
        tiny.classifier(window_pooling="mean")
    with pytest.raises(InputError, match="one of mean, max, attention"):
        tiny.make(BertRegressor, preprocessor=windows(), window_pooling="median")
    with pytest.raises(InputError, match="include_prompt=False knows no long_texts='windows'"):
        tiny.make(BertEmbedder, preprocessor=windows(), pooling="mean", include_prompt=False)
