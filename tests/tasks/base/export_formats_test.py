"""What exports are possible, and that others are refused before anything is written."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from keras_bert.errors import InputError
from keras_bert.runtime import load
from keras_bert.serving.formats.network import ANSWERING_FILE
from keras_bert.tasks.base.export_formats import in_dtype
from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.byte_pair.byte_words import byte_characters
from keras_bert.text.preprocessor import BertPreprocessor
from tests.runtime.awkward import check_same
from tests.tasks import tiny, tiny_tags


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "tflite"}, "format must be one of saved_model, litert, onnx, received: 'tflite'"),
        ({"format": "litert", "dtype": "int4"}, "dtype must be one of float32, bfloat16, int8, received: 'int4'"),
        ({"format": "litert", "dtype": "bfloat16"}, "format='litert' has no dtype='bfloat16'; it has: float32, int8"),
        ({"format": "onnx", "dtype": "bfloat16"}, "format='onnx' has no dtype='bfloat16'; it has: float32, int8"),
        ({"format": "litert", "freeze": True}, "freeze is of SavedModels; format='litert' has none"),
        ({"format": "onnx", "warmup": ["film"]}, "warmup is of SavedModels; format='onnx' has none"),
    ],
)
def test_what_a_format_has_not_is_said(options: dict, message: str, tmp_path: Path):
    with pytest.raises(InputError) as caught:
        tiny.classifier().export(tmp_path / "out", **options)
    assert str(caught.value) == message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("format", ["litert", "onnx"])
def test_a_task_that_only_a_saved_model_holds_is_refused_by_name(format: str, tmp_path: Path):
    with pytest.raises(InputError, match=f"a BertPretrainer cannot be exported as {format}; format='saved_model'"):
        tiny.pretrainer().export(tmp_path / "out", format=format)
    assert not list(tmp_path.iterdir())


def test_words_of_a_byte_level_vocabulary_are_refused_by_name(tmp_path: Path):
    tokenizer = BytePairTokenizer([*tiny.SPECIAL, *byte_characters()], [])
    preprocessor = BertPreprocessor(tokenizer, max_length=24)
    config = tiny.config(vocab_size=tokenizer.vocabulary_size)
    tagger = tiny_tags.tagger(preprocessor=preprocessor, config=config)
    with pytest.raises(InputError, match="a BertTokenClassifier with a byte-level vocabulary cannot be exported as"):
        tagger.export(tmp_path / "out", format="litert")
    assert not list(tmp_path.iterdir())
    classifier = tiny.classifier(preprocessor=preprocessor, config=config)
    classifier.export(tmp_path / "out", format="litert")
    check_same(load(tmp_path / "out").answer(tiny.TEXTS, scores=True), classifier.answer(tiny.TEXTS, scores=True))


@pytest.mark.parametrize(("format", "package"), [("litert", "ai_edge_litert"), ("onnx", "onnxruntime")])
def test_a_package_that_is_not_installed_names_the_extra(
    format: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else find(name))
    with pytest.raises(InputError) as caught:
        tiny.classifier().export(tmp_path / "out", format=format)
    assert str(caught.value) == f"format={format!r} needs {package}; pip install 'bert-for-keras[{format}]'"


def test_a_copy_in_another_dtype_has_the_weights_and_knows_where_they_are_from():
    task = tiny.classifier()
    task.row_settings = {"text": "sentence"}
    copy = in_dtype(task, "bfloat16")
    assert copy.encoder.dtype_policy.name == "mixed_bfloat16"
    assert copy.row_settings == task.row_settings
    for own, other in zip(task.get_weights(), copy.get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)
    assert in_dtype(task, "float32") is task
    assert in_dtype(copy, None) is copy
    assert in_dtype(copy, "float32").answer(tiny.TEXTS) == task.answer(tiny.TEXTS)


def test_a_folder_holds_what_strings_need(tmp_path: Path):
    folder = tmp_path / "out"
    task = tiny.classifier(dtype="mixed_bfloat16")
    task.export(folder, format="litert", dtype="int8", card={"license": "mit"})
    names = {"README.md", "answering.json", "config.json", "model.tflite", "tokenizer.json", "tokenizer_config.json"}
    assert {path.name for path in folder.iterdir()} == {*names, "vocab.txt"}
    answering = json.loads((folder / ANSWERING_FILE).read_text())
    assert (answering["kind"], answering["labels"], answering["dtype"]) == ("classify", list(task.labels), "int8")
    card = (folder / "README.md").read_text()
    assert 'license: "mit"' in card
    assert "## Format\n\n| | |\n|---|---|\n| format | litert |" in card
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for text in tiny.TEXTS:
        assert tokenizer.encode(text).ids == task.preprocessor.pack([text])["token_ids"].to_list()[0]
