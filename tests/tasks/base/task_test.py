"""What all tasks share: answers, batches, training under policies, XLA and replicas, `.keras` files."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier, BertRegressor, BertTask
from keras_bert.tasks.pooled.classifier import MULTI_LABEL
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from keras_bert.training import AdamW, adamw
from tests.forked_process import run_python
from tests.tasks import tiny

# -- what does not fit ---------------------------------------------------------------------------------------


def test_a_vocabulary_of_another_size_is_refused():
    encoder = BertEncoder(tiny.config(vocab_size=40))
    with pytest.raises(InputError, match=f"vocabulary has {len(tiny.VOCABULARY)} entries.*vocab_size=40"):
        BertClassifier(encoder, tiny.preprocessor(), ["a", "b"])


def test_longer_inputs_than_the_position_table_are_refused():
    assert BertRegressor(BertEncoder(tiny.config()), tiny.preprocessor(32)).preprocessor.max_length == 32
    with pytest.raises(InputError, match=r"max_length=33 is more than .*max_position_embeddings=32"):
        BertRegressor(BertEncoder(tiny.config()), tiny.preprocessor(33))


# -- answers -------------------------------------------------------------------------------------------------


def test_answers_come_in_the_order_of_the_texts_whatever_the_batch_size():
    """Each answer is the one that its text gets alone, and no two are alike."""
    model = tiny.classifier()
    alone = [model.answer([text])[0] for text in tiny.TEXTS]
    assert len({round(answer["score"], 5) for answer in alone}) == len(alone)
    for batch_size in (1, 3, 8, 100):
        together = model.answer(tiny.TEXTS, batch_size)
        assert [answer["label"] for answer in together] == [answer["label"] for answer in alone]
        np.testing.assert_allclose(
            [answer["score"] for answer in together], [answer["score"] for answer in alone], atol=1e-6
        )


@pytest.mark.parametrize("text_pair", [False, True])
def test_every_way_to_write_a_text_is_the_same_text(text_pair: bool):
    model = tiny.classifier(text_pair=text_pair)
    ways: list[Any]
    if text_pair:
        ways = [("good", "bad film"), ["good", "bad film"], {"text": "good", "text_pair": "bad film", "id": 7}]
        ways += [(b"good", b"bad film"), np.array(["good", "bad film"])]
    else:
        ways = ["good", b"good", ["good"], {"text": "good", "id": 7}, np.str_("good")]
    assert len({json.dumps(answer) for answer in model.answer(ways, batch_size=1)}) == 1


def test_no_texts_have_no_answers():
    assert tiny.classifier().answer([]) == []


@pytest.mark.parametrize(
    ("text_pair", "texts", "message"),
    [
        (False, "good film", r"takes a list of texts; for one text write answer\(\[text\]\)"),
        (False, {"text": "good film"}, "takes a list of texts"),
        (False, ["good", 3], "text 1: expected a string, received: 3"),
        (False, [None], "text 0: expected a string, received: None"),
        (False, [("good", "bad")], "text 0: expected a string, received"),
        (True, ["good"], "text 0: expected a pair of strings, received: 'good'"),
        (True, [("good", "bad"), ("good", None)], "text 1: expected a pair of strings"),
        (True, [{"text": "good"}], "takes text and text_pair .*, text 0 has text$"),
        (False, [{"sentence": "good"}], "text 0 has neither text nor text_pair"),
        (False, [{"text": "good", "text_pair": "bad"}], "text 0 has text and text_pair"),
    ],
)
def test_what_is_no_text_is_refused(text_pair: bool, texts: Any, message: str):
    with pytest.raises(InputError, match=message):
        tiny.classifier(text_pair=text_pair).answer(texts)


AWKWARD = ["", " ", "\0", "good\0film", "\ud83d", b"\xff\xfe", b"good \xe2\x82", "\x1b\u200b\ufeff", "[SEP] [MASK]"]


def test_awkward_strings_are_answered():
    answers = tiny.classifier().answer([*AWKWARD, "good " * 200_000, "😀" * 10_000])
    assert len(answers) == len(AWKWARD) + 2
    assert np.isfinite([answer["score"] for answer in answers]).all()


def test_threads_may_share_a_model():
    model = tiny.classifier()
    expected = model.answer(tiny.TEXTS)
    model = tiny.classifier()
    found: list[Any] = [None] * 4

    def answer(index: int) -> None:
        found[index] = model.answer(tiny.TEXTS)

    threads = [threading.Thread(target=answer, args=(index,)) for index in range(len(found))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


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


# -- .keras files --------------------------------------------------------------------------------------------


def unusual_preprocessor() -> BertPreprocessor:
    tokenizer = BertTokenizer(
        [*tiny.VOCABULARY[:-1], "Good"], lowercase=False, strip_accents=True, special_tokens_in_text=True
    )
    return BertPreprocessor(
        tokenizer, max_length=20, truncation="only_first", pad_to_multiple_of=4, padding="max_length"
    )


def unusual(name: str) -> BertTask:
    """Makes a task with every argument non-default."""
    options: dict[str, Any] = {"preprocessor": unusual_preprocessor(), "text_pair": True, "name": "unusual"}
    options["config"] = tiny.config(
        norm_first=True, position_embedding_type="sinusoidal", hidden_act="gelu_new", classifier_dropout=0.3
    )
    if name == "regressor":
        return tiny.regressor(pooling="mean", **options)
    if name == "classifier":
        return tiny.classifier(
            ["b", "a"], pooling="max", class_weights={"a": 3.0}, label_smoothing=0.1, threshold=0.3, **options
        )
    return tiny.classifier(
        ["b", "a"], problem_type=MULTI_LABEL, pooling="cls", label_smoothing=0.1, threshold=0.3, **options
    )


QUESTIONS = [("Good film [MASK]", "bäd"), ("the food was cold and dull " * 5, "fine film"), ("", "")]

LOAD = """
import json, sys
import keras, keras_bert.tasks
results = []
for path in sys.argv[1:]:
    model = keras.saving.load_model(path)
    questions = [("Good film [MASK]", "b\\u00e4d"), ("the food was cold and dull " * 5, "fine film"), ("", "")]
    results.append([model.answer(questions), model.get_config()])
print(json.dumps(results, sort_keys=True))
"""


def test_keras_files_load_in_a_process_that_imports_the_tasks_only(tmp_path: Path):
    models = [unusual(name) for name in ("classifier", "tagger", "regressor")]
    paths = [tmp_path / f"{index}.keras" for index in range(len(models))]
    for model, path in zip(models, paths, strict=True):
        model.save(path)
    loaded = json.loads(run_python(LOAD, *paths))
    for model, (answers, config) in zip(models, loaded, strict=True):
        assert config == json.loads(json.dumps(model.get_config(), sort_keys=True))
        for answer, expected in zip(answers, model.answer(QUESTIONS), strict=True):
            assert answer.keys() == expected.keys()
            assert answer.get("label") == expected.get("label")
            assert answer.get("labels") == expected.get("labels")
            assert answer.get("score") == pytest.approx(expected.get("score"), abs=1e-6)
            assert answer.get("scores") == pytest.approx(expected.get("scores"), abs=1e-6)


@pytest.mark.parametrize("name", ["classifier", "tagger", "regressor"])
def test_the_config_holds_every_argument(name: str):
    """The defaults of the constructor play no part in what comes back."""
    import inspect

    model = unusual(name)
    config = model.get_config()
    arguments = [name for name in inspect.signature(type(model).__init__).parameters if name not in ("self", "kwargs")]
    assert set(config) == {*arguments, "name", "trainable"}
    again = type(model).from_config(json.loads(json.dumps(config)))
    assert json.loads(json.dumps(again.get_config())) == json.loads(json.dumps(config))
    defaults = inspect.signature(type(model).__init__).parameters
    for argument in arguments[2:]:
        if not (argument == "problem_type" and name == "classifier") and not (
            argument == "class_weights" and name == "tagger"
        ):
            assert getattr(again, argument) != defaults[argument].default, argument
            assert getattr(again, argument) == getattr(model, argument)


def test_a_compiled_model_comes_back_compiled_with_its_optimizer(tmp_path: Path):
    model = tiny.classifier(config=tiny.without_dropout(), class_weights={"neutral": 2.0}, label_smoothing=0.1)
    model.compile(adamw(1e-2, steps=8, layer_decay=0.9, num_hidden_layers=2))
    batches = model.batches(tiny.dataset(tiny.LABELS), batch_size=4)
    model.fit(batches, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(again.optimizer, AdamW)
    assert int(again.optimizer.iterations) == 4
    expected = model.fit(batches, epochs=2, verbose=0).history["loss"]
    actual = again.fit(again.batches(tiny.dataset(tiny.LABELS), batch_size=4), epochs=2, verbose=0).history["loss"]
    np.testing.assert_allclose(actual, expected, rtol=1e-5)


def test_the_parts_of_keras_files_are_checked_when_they_load(tmp_path: Path):
    model = tiny.classifier()
    config = model.get_config()
    config["labels"] = ["one"]
    with pytest.raises(InputError, match="at least 2"):
        BertClassifier.from_config(config)
