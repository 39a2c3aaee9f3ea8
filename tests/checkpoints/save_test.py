"""Hugging Face folders: there and back bit for bit, whole or not at all."""

import dataclasses
import errno
import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import load_file, save_file

from keras_bert.checkpoints import convert, encoder_weights, load_weights, open_checkpoint, save_hugging_face
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier
from keras_bert.text import BertPreprocessor, BertTokenizer, BytePairTokenizer
from keras_bert.text.byte_pair.byte_words import byte_characters
from tests.checkpoints import small


@pytest.fixture
def folder(tmp_path):
    """A Hugging Face folder of the small model."""
    google = tmp_path / "google"
    small.write_google(google, small.tensors())
    convert(google, tmp_path / "hf")
    return tmp_path / "hf"


def test_conversion_carries_every_tensor(folder):
    values = small.tensors()
    written = load_file(folder / "model.safetensors")
    assert {f"bert.{name.removeprefix('bert.')}" for name in written} == values.keys()
    for name, value in written.items():
        np.testing.assert_array_equal(value, values[f"bert.{name.removeprefix('bert.')}"])
    config = json.loads((folder / "config.json").read_text())
    assert config["model_type"] == "bert"
    assert config["hidden_act"] in ("gelu_new", "gelu_pytorch_tanh")


def test_who_may_read_the_config_may_read_the_weights(folder):
    """A server seldom runs as the one who trained."""
    modes = {path.name: path.stat().st_mode for path in folder.iterdir()}
    assert modes["model.safetensors"] == modes["config.json"]
    assert len(set(modes.values())) == 1


def test_through_the_model_and_back_is_bit_for_bit(folder, tmp_path):
    checkpoint = open_checkpoint(folder)
    encoder = BertEncoder(checkpoint.config)
    report = load_weights(encoder_weights(encoder), checkpoint)
    assert not report.new
    assert not report.ignored
    save_hugging_face(
        tmp_path / "again",
        checkpoint.config,
        encoder_weights(encoder),
        {"architectures": ["BertModel"]},
        BertTokenizer(small.ENTRIES),
    )
    before, after = load_file(folder / "model.safetensors"), load_file(tmp_path / "again" / "model.safetensors")
    assert before.keys() == after.keys()
    assert all((before[name] == after[name]).all() for name in before)
    assert (folder / "vocab.txt").read_bytes() == (tmp_path / "again" / "vocab.txt").read_bytes()


def test_an_existing_folder_needs_overwrite(folder, tmp_path):
    with pytest.raises(InputError, match="already holds"):
        convert(tmp_path / "google", folder)
    convert(tmp_path / "google", folder, overwrite=True)


def test_a_full_disk_leaves_the_old_folder(folder, tmp_path, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*arguments, **named):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("keras_bert.checkpoints.save.save_file", full)
    with pytest.raises(InputError, match="no space left"):
        convert(tmp_path / "google", folder, overwrite=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert {path.name for path in tmp_path.iterdir()} == {"google", "hf"}, "nothing half written lies about"


def test_truncated_safetensors(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"model\.safetensors") as error:
        open_checkpoint(folder)
    assert "\n" not in str(error.value)


def test_a_wrong_shape_names_both(folder):
    values = load_file(folder / "model.safetensors")
    name = next(name for name in values if name.endswith("layer.0.intermediate.dense.weight"))
    values[name] = values[name][:, :4].copy()
    save_file(values, folder / "model.safetensors")
    with pytest.raises(InputError, match=r"intermediate\.dense\.weight.*\(12, 4\).*\(12, 8\)"):
        open_checkpoint(folder)


def test_a_missing_weight_is_named(folder):
    values = load_file(folder / "model.safetensors")
    name = next(name for name in values if name.endswith("layer.1.output.dense.bias"))
    del values[name]
    save_file(values, folder / "model.safetensors")
    with pytest.raises(InputError, match=r"layer\.1\.output\.dense\.bias"):
        open_checkpoint(folder)


def test_nothing_is_loaded_when_something_does_not_fit(folder):
    checkpoint = open_checkpoint(folder)
    encoder = BertEncoder(checkpoint.config)
    before = [weight.read() for weight in encoder_weights(encoder)]
    del checkpoint.tensors["bert.encoder.layer.1.output.dense.bias"]
    with pytest.raises(InputError, match=r"layer\.1\.output\.dense\.bias"):
        load_weights(encoder_weights(encoder), checkpoint)
    for weight, value in zip(encoder_weights(encoder), before, strict=True):
        np.testing.assert_array_equal(weight.read(), value)


def test_the_vocabulary_must_fit(folder):
    with (folder / "vocab.txt").open("a", encoding="utf-8") as file:
        file.write("extra\n")
    with pytest.raises(InputError, match=r"21 entries.*vocab_size=20"):
        open_checkpoint(folder)


def test_another_architecture(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "roberta"}))
    with pytest.raises(InputError, match="model_type is 'roberta'"):
        open_checkpoint(folder)


def test_a_pickle_is_refused_with_the_way_out(folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"not to be opened")
    with pytest.raises(InputError, match=r"pytorch_model\.bin"):
        open_checkpoint(folder)


def test_lower_casing_follows_the_tokenizers_config(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "cased")
    path = tmp_path / "cased" / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "do_lower_case": False}))
    assert open_checkpoint(folder).lowercase is True
    assert open_checkpoint(tmp_path / "cased").lowercase is False


@pytest.mark.slow
def test_a_byte_pair_tokenizer_goes_with_the_model(tmp_path):
    entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *byte_characters(), "ab"]
    config = dataclasses.replace(small.CONFIG, vocab_size=len(entries))
    tokenizer = BytePairTokenizer(entries, ["a b"], lowercase=True)
    task = BertClassifier(BertEncoder(config), BertPreprocessor(tokenizer, 16), ["no", "yes"])
    task.save_preset(tmp_path / "model")
    assert {"vocab.json", "merges.txt", "tokenizer.json"} <= {path.name for path in (tmp_path / "model").iterdir()}
    assert not (tmp_path / "model" / "vocab.txt").exists()
    texts = ["ABba \u4e2d", "x"]
    again = BertClassifier.from_preset(tmp_path / "model")
    assert again.tokenizer.get_config() | {"name": ""} == tokenizer.get_config() | {"name": ""}
    assert again.answer(texts) == task.answer(texts)
    convert(tmp_path / "model", tmp_path / "converted")
    assert open_checkpoint(tmp_path / "converted").tokenizer()(texts).to_list() == tokenizer(texts).to_list()
    task.save(tmp_path / "model.keras")
    opened = keras.saving.load_model(tmp_path / "model.keras")
    assert opened.answer(texts) == task.answer(texts)


def test_a_byte_pair_tokenizer_answers_inside_an_export(tmp_path):
    entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *byte_characters(), "ab"]
    config = dataclasses.replace(small.CONFIG, vocab_size=len(entries))
    preprocessor = BertPreprocessor(BytePairTokenizer(entries, ["a b"]), 16)
    task = BertClassifier(BertEncoder(config), preprocessor, ["no", "yes"])
    task.export(tmp_path / "export")
    served = tf.saved_model.load(str(next((tmp_path / "export").rglob("saved_model.pb")).parent))
    texts = ["abab \u4e2d\x00a", ""]
    answer = served.signatures["serving_default"](text=tf.constant(texts))
    expected = [row["score"] for row in task.answer(texts)]
    np.testing.assert_allclose(answer["score"].numpy(), expected, atol=1e-5)
