"""Exports answer in a process without keras_bert what the model answers; and are written whole or not at all."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.serving import Signature, write_saved_model
from keras_bert.tasks import BertClassifier, BertTask
from keras_bert.tasks.pooled.head import MULTI_LABEL
from tests.forked_process import ask_in_a_bare_process
from tests.tasks import tiny

AWKWARD = [
    b"",
    b" ",
    b"\0",
    b"good\0film",
    b"\xff\xfe good",
    b"cut off \xe2\x82",
    b"\xed\xa0\x80",
    b"[CLS] [SEP] [MASK]",
    b"good film " * 100_000,
    b"x" * 1_000_000,
    "😀".encode() * 10_000,
]
TEXTS = [text.encode() for text in tiny.TEXTS] + AWKWARD
MODELS = {
    "classifier": lambda: tiny.classifier(("schlecht", "mäßig", "gut 😀")),
    "pairs": lambda: tiny.classifier(text_pair=True, pooling="mean"),
    "tagger": lambda: tiny.classifier(problem_type=MULTI_LABEL, threshold=0.45, pooling="max"),
    "regressor": lambda: tiny.regressor(pooling="cls"),
}


def fields_of(model: BertTask, texts: Sequence[bytes]) -> dict[str, Sequence[bytes]]:
    seconds = [*texts[1:], texts[0]]
    return {"text": texts, "text_pair": seconds} if model.text_pair else {"text": texts}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[BertTask, dict[str, Any]]]:
    """Each model with what its export gave in the bare process."""
    folder = tmp_path_factory.mktemp("exports")
    models = {name: make() for name, make in MODELS.items()}
    for name, model in models.items():
        model.export(folder / name / "1")
    asked = {folder / name / "1": fields_of(model, TEXTS) for name, model in models.items()}
    results = ask_in_a_bare_process(asked, folder / "results.json")
    return {name: (model, results[str(folder / name / "1")]) for name, model in models.items()}


@pytest.mark.parametrize("name", MODELS)
def test_an_export_answers_as_the_model_does(name: str, served: dict[str, Any]):
    """Ordinary texts and awkward ones: the bytes are answered, never a crash."""
    model, result = served[name]
    outputs = result["outputs"]
    texts = list(zip(*fields_of(model, TEXTS).values(), strict=True)) if model.text_pair else TEXTS
    answers = model.answer(texts)
    assert {len(values) for key, values in outputs.items() if key != "labels_padded"} == {len(TEXTS)}
    if name == "tagger":
        scores = [list(answer["scores"].values()) for answer in answers]
        np.testing.assert_allclose(outputs["scores"], scores, rtol=0, atol=1e-5)
        assert outputs["count"] == [len(answer["labels"]) for answer in answers]
        labels = np.reshape(outputs["labels_padded"], (len(TEXTS), -1)).tolist()
        assert [[label for label in row if label] for row in labels] == [answer["labels"] for answer in answers]
    else:
        scores = [answer["score"] for answer in answers]
        np.testing.assert_allclose(outputs["score"], scores, rtol=0, atol=1e-5)
        assert np.isfinite(scores).all()
    if name in ("classifier", "pairs"):
        assert outputs["label"] == [answer["label"] for answer in answers]
        np.testing.assert_allclose(np.max(outputs["scores"], axis=1), outputs["score"])


IDS = {name: ["int32", [None, None]] for name in ("token_ids", "segment_ids", "padding_mask")}
SINGLE = {"label": ["string", [None]], "score": ["float32", [None]], "scores": ["float32", [None, 3]]}
TEXT = {"text": ["string", [None]]}
OUTPUTS = {
    "classifier": SINGLE,
    "pairs": SINGLE,
    "tagger": {**SINGLE, "labels_padded": ["string", [None, 3]], "count": ["int32", [None]]},
    "regressor": {"score": ["float32", [None]]},
}


@pytest.mark.parametrize("name", MODELS)
def test_signatures_have_names_dtypes_and_shapes(name: str, served: dict[str, Any]):
    """Every output has the batch as its first dimension: TensorFlow Serving batches only then."""
    model, result = served[name]
    strings = {field: ["string", [None]] for field in model.text_fields}
    classes = {} if name == "regressor" else {"labels": [TEXT, {"labels": ["string", [None, len(model.labels)]]}]}
    assert result["signatures"] == {
        "serving_default": [strings, OUTPUTS[name]],
        "token_ids": [IDS, OUTPUTS[name]],
        **classes,
    }


def test_the_labels_are_in_the_export_in_the_order_of_the_scores(tmp_path: Path):
    model = tiny.classifier()
    model.export(tmp_path / "model")
    labels = tf.saved_model.load(str(tmp_path / "model")).signatures["labels"]
    rows = labels(text=tf.constant(["a", "b"]))["labels"].numpy().tolist()
    assert rows == [[label.encode() for label in model.labels]] * 2


def test_the_signature_on_ids_is_the_second_half_of_that_on_strings(tmp_path: Path):
    model = tiny.classifier()
    model.export(tmp_path / "model")
    signatures = tf.saved_model.load(str(tmp_path / "model")).signatures
    strings = signatures["serving_default"](text=tf.constant(tiny.TEXTS))
    numbers = signatures["token_ids"](**model.preprocessor(tiny.TEXTS))
    np.testing.assert_allclose(numbers["scores"], strings["scores"], rtol=0, atol=1e-6)
    assert numbers["label"].numpy().tolist() == strings["label"].numpy().tolist()
    empty = signatures["serving_default"](text=tf.constant([], tf.string))
    assert empty["scores"].shape == (0, 3)


def test_the_card_lies_beside_the_graph(tmp_path: Path):
    tiny.classifier().export(tmp_path / "model", card={"metrics": {"accuracy": 0.5}})
    assert "| accuracy | 0.5 |" in (tmp_path / "model" / "README.md").read_text(encoding="utf-8")


def test_arguments_of_keras_own_export_are_refused(tmp_path: Path):
    with pytest.raises(TypeError, match="unexpected keyword argument 'verbose'"):
        tiny.classifier().export(tmp_path / "model", verbose=True)
    with pytest.raises(InputError, match="format must be one of saved_model, litert, onnx, received: 'tf_saved_model'"):
        tiny.classifier().export(tmp_path / "model", format="tf_saved_model")
    assert not (tmp_path / "model").exists()


# -- whole or not at all -------------------------------------------------------------------------------------


def doubling(factor: float) -> tuple[Any, dict[str, Signature]]:
    """A model with one variable, and a function that multiplies by it."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.layers[0].kernel.assign([[factor]])
    spec = tf.TensorSpec([None, 1], tf.float32, name="x")
    return model, {"serving_default": Signature(lambda x: {"y": model(x)}, {"x": spec})}


def ask(folder: Path) -> float:
    function = tf.saved_model.load(str(folder)).signatures["serving_default"]
    return float(function(x=tf.constant([[1.0]]))["y"][0, 0])


def test_an_export_is_replaced_only_on_request(tmp_path: Path):
    folder = tmp_path / "model" / "1"
    write_saved_model(folder, *doubling(2.0), files={"README.md": "two"})
    with pytest.raises(InputError, match=r"already holds .*--overwrite"):
        write_saved_model(folder, *doubling(3.0), files={})
    assert (ask(folder), (folder / "README.md").read_text(encoding="utf-8")) == (2.0, "two")
    write_saved_model(folder, *doubling(3.0), files={}, overwrite=True)
    assert ask(folder) == 3.0
    assert not (folder / "README.md").exists(), "the old folder is replaced as a whole"


@pytest.mark.parametrize("stage", ["graph", "card"])
def test_a_full_disk_leaves_the_old_export(stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "model" / "1"
    write_saved_model(folder, *doubling(2.0), files={})
    save = tf.saved_model.save

    def fail(*arguments: Any, **options: Any) -> None:
        if stage == "graph":
            save(*arguments, **options)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(*((tf.saved_model, "save", fail) if stage == "graph" else (Path, "write_text", fail)))
    with pytest.raises(InputError, match=r"model/1: not written: no space left .* unchanged"):
        write_saved_model(folder, *doubling(3.0), files={"README.md": "three"}, overwrite=True)
    monkeypatch.undo()
    assert ask(folder) == 2.0
    assert [path.name for path in folder.parent.iterdir()] == ["1"], "no half-written folder is left behind"


# -- real weights --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_thousand_rows_are_answered_alike_by_real_weights(shared_data: Path, tmp_path: Path):
    try:
        model = BertClassifier.from_preset("minilm", labels=["negative", "positive"], max_length=128, pooling="mean")
    except InputError as error:
        pytest.skip(str(error))
    rng = np.random.default_rng(0)
    model.classifier.kernel.assign(rng.normal(0, 2, model.classifier.kernel.shape))
    lines = (shared_data / "text_classification" / "sst2" / "train.tsv").read_bytes().split(b"\n")[1:1001]
    texts = [line.split(b"\t")[0] for line in lines]
    model.export(tmp_path / "model")
    results = ask_in_a_bare_process({tmp_path / "model": {"text": texts}}, tmp_path / "results.json")
    outputs = results[str(tmp_path / "model")]["outputs"]
    answers = model.answer(texts)
    assert len(answers) == 1000
    scores = np.array([answer["score"] for answer in answers])
    np.testing.assert_allclose(outputs["score"], scores, rtol=0, atol=1e-5)
    clear = scores > 0.5 + 1e-5
    assert clear.mean() > 0.99
    told = np.array([answer["label"] for answer in answers])
    assert (np.array(outputs["label"])[clear] == told[clear]).all()
    assert min((told == label).sum() for label in model.labels) > 50, "the test needs answers of both kinds"
