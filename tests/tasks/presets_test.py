"""Tasks to folders and back: what a reload must not change, and what becomes of a head that does not fit."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier, BertRegressor, BertTask, open_task
from keras_bert.tasks.pooled.head import MULTI_LABEL, SINGLE_LABEL
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.tasks import tiny

HEAD = ("classifier.weight", "classifier.bias")
POOLER = ("bert.pooler.dense.weight", "bert.pooler.dense.bias")


def inputs_of(model: BertTask) -> Any:
    return model.preprocessor(*([tiny.TEXTS, tiny.PAIRS] if model.text_pair else [tiny.TEXTS]))


def assert_same(again: BertTask, model: BertTask, **differences: Any) -> None:
    """The same logits and the same config, but for the differences."""
    np.testing.assert_allclose(again(inputs_of(model)), model(inputs_of(model)), rtol=0, atol=1e-6)
    for name, value in model.get_config().items():
        if name not in ("encoder", "preprocessor", "name", *differences):
            assert again.get_config()[name] == value, name
    for name in ("max_length", "truncation"):
        assert getattr(again.preprocessor, name) == getattr(model.preprocessor, name)
    assert again.tokenizer.get_vocabulary() == tiny.VOCABULARY
    assert again.encoder.config == model.encoder.config
    assert again.load_report.new == ()
    assert set(HEAD) <= set(again.load_report.loaded)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"pooling": "cls"},
        {"pooling": "mean", "text_pair": True},
        {"pooling": "max"},
        {"problem_type": MULTI_LABEL, "threshold": 0.3},
        {"preprocessor": tiny.preprocessor(10, truncation="only_second"), "text_pair": True},
        {"config": tiny.config(norm_first=True, position_embedding_type="sinusoidal", hidden_act="gelu_new")},
    ],
    ids=lambda options: "-".join(options) or "defaults",
)
def test_a_classifier_comes_back_with_its_options(options: dict[str, Any], tmp_path: Path):
    model = tiny.classifier(("b", "a", "ü"), **options)
    model.save_preset(tmp_path / "model")
    again = BertClassifier.from_preset(tmp_path / "model")
    assert_same(again, model)
    assert (again.labels, again.problem_type) == (("b", "a", "ü"), options.get("problem_type", SINGLE_LABEL))
    assert type(open_task(tmp_path / "model")) is BertClassifier


@pytest.mark.parametrize("options", [{}, {"pooling": "mean", "text_pair": True}], ids=["single", "pair"])
def test_a_regressor_comes_back_with_its_options(options: dict[str, Any], tmp_path: Path):
    model = tiny.regressor(**options)
    model.save_preset(tmp_path / "model")
    assert_same(BertRegressor.from_preset(tmp_path / "model"), model)
    assert type(open_task(tmp_path / "model")) is BertRegressor


def test_a_cased_tokenizer_stays_cased(tmp_path: Path):
    tokenizer = BertTokenizer(tiny.VOCABULARY, lowercase=False)
    model = tiny.classifier(preprocessor=BertPreprocessor(tokenizer, max_length=24))
    model.save_preset(tmp_path / "model")
    again = BertClassifier.from_preset(tmp_path / "model")
    assert (again.tokenizer.lowercase, again.tokenizer.strip_accents) == (False, None)
    assert again.tokenizer(["GOOD film"]).to_list() == [[tiny.VOCABULARY.index(token) for token in ("[UNK]", "film")]]


def test_what_the_caller_says_goes_before_what_was_saved(tmp_path: Path):
    model = tiny.classifier(problem_type=MULTI_LABEL, threshold=0.3)
    model.save_preset(tmp_path / "model")
    again = BertClassifier.from_preset(
        tmp_path / "model",
        max_length=7,
        problem_type=SINGLE_LABEL,
        text_pair=True,
        truncation="only_first",
        threshold=0.6,
        label_smoothing=0.1,
        class_weights={"neutral": 2.0},
    )
    assert (again.problem_type, again.text_pair, again.threshold) == (SINGLE_LABEL, True, 0.6)
    assert (again.preprocessor.max_length, again.preprocessor.truncation) == (7, "only_first")
    assert (again.label_smoothing, again.class_weights) == (0.1, {"neutral": 2.0})
    assert again.load_report.new == ()


# -- heads that do not fit -----------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [["a", "b"], ["x", "y", "z"], ["positive", "neutral", "other"]])
def test_other_labels_start_a_new_head_and_the_report_says_so(labels: list[str], tmp_path: Path):
    model = tiny.classifier()
    model.save_preset(tmp_path / "model")
    again = BertClassifier.from_preset(tmp_path / "model", labels=labels)
    assert again.labels == tuple(labels)
    assert again.load_report.new == HEAD
    assert set(again.load_report.ignored) == set(HEAD)
    assert set(POOLER) <= set(again.load_report.loaded)
    assert (again.classifier.bias.numpy() == 0).all()
    pooled = [task.encoder(inputs_of(model))["pooled_output"] for task in (again, model)]
    np.testing.assert_allclose(*pooled, rtol=0, atol=1e-6)


def test_the_same_labels_keep_the_head(tmp_path: Path):
    tiny.classifier(("0", "1")).save_preset(tmp_path / "model")
    assert BertClassifier.from_preset(tmp_path / "model", labels=[0, 1]).load_report.new == ()


def test_names_for_classes_that_are_only_numbered_keep_the_head(tmp_path: Path):
    model = tiny.classifier(("LABEL_0", "LABEL_1"))
    model.save_preset(tmp_path / "model")
    again = BertClassifier.from_preset(tmp_path / "model", labels=["negative", "positive"])
    assert_same(again, model, labels=...)
    assert again.labels == ("negative", "positive")
    assert BertClassifier.from_preset(tmp_path / "model", labels=["a", "b", "c"]).load_report.new == HEAD


def test_a_regressor_lends_its_encoder_to_a_classifier_and_the_other_way_round(tmp_path: Path):
    tiny.regressor().save_preset(tmp_path / "regressor")
    tiny.classifier().save_preset(tmp_path / "classifier")
    classifier = BertClassifier.from_preset(tmp_path / "regressor", labels=["a", "b"])
    assert (classifier.problem_type, classifier.load_report.new) == (SINGLE_LABEL, HEAD)
    assert BertRegressor.from_preset(tmp_path / "classifier").load_report.new == HEAD
    with pytest.raises(InputError, match=r"regressor: no classifier there; say the classes, labels=\[...\]"):
        BertClassifier.from_preset(tmp_path / "regressor")


def test_one_output_that_nothing_is_said_about_is_a_regression_as_in_transformers(tmp_path: Path):
    model = tiny.regressor()
    model.save_preset(tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    del config["problem_type"]
    path.write_text(json.dumps(config), encoding="utf-8")
    again = open_task(tmp_path / "model")
    assert type(again) is BertRegressor
    assert_same(again, model)


def test_a_new_pooler_is_asked_for_or_missing_and_the_report_says_so(tmp_path: Path):
    tiny.classifier().save_preset(tmp_path / "pooler")
    tiny.classifier(pooling="mean").save_preset(tmp_path / "mean")
    asked = BertClassifier.from_preset(tmp_path / "pooler", new_pooler=True)
    assert asked.load_report.new == POOLER
    assert (asked.encoder.pooler.dense.bias.numpy() == 0).all()
    missing = BertClassifier.from_preset(tmp_path / "mean", pooling="pooler")
    assert missing.load_report.new == POOLER
    unused = BertClassifier.from_preset(tmp_path / "pooler", pooling="mean")
    assert set(unused.load_report.ignored) == set(POOLER)


def test_a_config_without_weights_is_a_start_from_nothing():
    checkpoint = Checkpoint(tiny.config(), {}, "config.json", vocabulary=tiny.VOCABULARY)
    model = BertClassifier.from_preset(checkpoint, labels=["a", "b"], max_length=16)
    assert model.load_report.loaded == ()
    assert len(model.load_report.new) == len(model.weights_by_name())
    assert tiny.classifier().load_report is None


def test_a_longer_max_length_than_the_position_table_is_refused(tmp_path: Path):
    tiny.classifier().save_preset(tmp_path / "model")
    assert BertClassifier.from_preset(tmp_path / "model", max_length=32).preprocessor.max_length == 32
    with pytest.raises(InputError, match=r"max_length=64 is more than .*max_position_embeddings=32"):
        BertClassifier.from_preset(tmp_path / "model", max_length=64)


def test_a_folder_that_holds_something_is_replaced_only_on_request(tmp_path: Path):
    first, second = tiny.classifier(seed=1), tiny.classifier(seed=2)
    first.save_preset(tmp_path / "model")
    with pytest.raises(InputError, match=r"already holds .*overwrite"):
        second.save_preset(tmp_path / "model")
    assert_same(BertClassifier.from_preset(tmp_path / "model"), first)
    second.save_preset(tmp_path / "model", overwrite=True)
    assert_same(BertClassifier.from_preset(tmp_path / "model"), second)


def test_the_model_card_lies_beside_the_weights(tmp_path: Path):
    tiny.classifier().save_preset(tmp_path / "model", card={"data": {"train": "made up"}})
    assert {path.name for path in (tmp_path / "model").iterdir()} == {
        "README.md",
        "config.json",
        "keras_bert.json",
        "model.safetensors",
        "tokenizer_config.json",
        "vocab.txt",
    }
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert "made up" in card
    assert "Started from: not recorded." in card
    BertClassifier.from_preset(tmp_path / "model").save_preset(tmp_path / "again")
    assert f"Started from: {tmp_path}/model." in (tmp_path / "again" / "README.md").read_text(encoding="utf-8")


# -- other people's models -----------------------------------------------------------------------------------


def test_logits_of_a_checkpoint_of_transformers_are_its_reference_outputs(shared_data: Path):
    folder = shared_data / "checkpoints" / "hf_sequence_classification"
    model = BertClassifier.from_preset(folder)
    with np.load(folder / "reference_outputs.npz") as reference:
        logits = model({name: reference[name] for name in ("token_ids", "segment_ids", "padding_mask")})
        np.testing.assert_allclose(logits, reference["logits"], rtol=0, atol=1e-4)
    assert model.labels == ("contradiction", "entailment", "neutral")
    assert (model.load_report.new, model.load_report.ignored) == ((), {})
    assert type(open_task(folder)) is BertClassifier


@pytest.mark.parametrize("name", ["hf_token_classification", "hf_multiple_choice", "hf_question_answering"])
def test_the_head_of_another_task_is_no_classifier(name: str, shared_data: Path):
    folder = shared_data / "checkpoints" / name
    with pytest.raises(InputError, match="no classifier there"):
        BertClassifier.from_preset(folder)
    report = BertClassifier.from_preset(folder, labels=["a", "b"]).load_report
    assert set(HEAD) <= set(report.new)
    assert report.ignored


TRANSFORMERS = """
import json, sys
import numpy as np
import torch, transformers
folder, inputs = sys.argv[1], json.loads(sys.argv[2])
model, loading = transformers.AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
assert not loading["missing_keys"] and not loading["unexpected_keys"], loading
assert not loading["mismatched_keys"], loading
names = {"token_ids": "input_ids", "segment_ids": "token_type_ids", "padding_mask": "attention_mask"}
with torch.no_grad():
    outputs = model.eval()(**{names[name]: torch.tensor(value) for name, value in inputs.items()})
config = model.config
print(json.dumps([outputs.logits.tolist(), config.id2label, config.problem_type, config.num_labels]))
"""


@pytest.mark.parity
@pytest.mark.parametrize("name", ["classifier", "tagger", "regressor"])
def test_a_saved_model_opens_in_transformers_with_the_same_logits(name: str, tmp_path: Path):
    """In a process of its own: torch and TensorFlow share badly."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    model: BertTask = {
        "classifier": lambda: tiny.classifier(text_pair=True),
        "tagger": lambda: tiny.classifier(problem_type=MULTI_LABEL),
        "regressor": lambda: tiny.regressor(config=tiny.config(hidden_act="gelu_new")),
    }[name]()
    model.save_preset(tmp_path / "model")
    inputs = json.dumps({name: value.numpy().tolist() for name, value in inputs_of(model).items()})
    done = subprocess.run(
        [sys.executable, "-c", TRANSFORMERS, str(tmp_path / "model"), inputs],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    logits, id2label, problem_type, outputs = json.loads(done.stdout.splitlines()[-1])
    np.testing.assert_allclose(logits, model(inputs_of(model)), rtol=0, atol=1e-5)
    assert id2label == model.metadata()["id2label"]
    assert (problem_type, outputs) == (model.metadata()["problem_type"], len(model.metadata()["id2label"]))
