"""Presets written here by KerasHub itself give KerasHub's own outputs."""

import json

import h5py
import keras
import numpy as np
import pytest

from keras_bert.checkpoints import convert, encoder_weights, load_weights, open_checkpoint
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from tests.checkpoints import small

INPUTS = {
    "token_ids": np.array([[2, 7, 8, 9, 3], [2, 10, 3, 0, 0]], "int32"),
    "segment_ids": np.array([[0, 0, 1, 1, 1], [0, 0, 0, 0, 0]], "int32"),
    "padding_mask": np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], "int32"),
}


def backbone():
    """A KerasHub backbone of the small model's size, no weight of which is trivial."""
    from keras_hub.models import BertBackbone

    model = BertBackbone(
        vocabulary_size=20, num_layers=2, num_heads=2, hidden_dim=8, intermediate_dim=12, max_sequence_length=16
    )
    generator = np.random.default_rng(3)
    for variable in model.weights:
        variable.assign(generator.normal(size=variable.shape, scale=0.5))
    return model


def tokenizer(**settings):
    from keras_hub.models import BertTokenizer

    return BertTokenizer(small.ENTRIES, **settings)


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """A classifier's preset folder and the model in it."""
    from keras_hub.models import BertTextClassifier, BertTextClassifierPreprocessor

    preprocessor = BertTextClassifierPreprocessor(tokenizer(lowercase=True, strip_accents=True), sequence_length=8)
    model = BertTextClassifier(backbone(), num_classes=3, preprocessor=preprocessor)
    folder = tmp_path_factory.mktemp("preset") / "classifier"
    model.save_to_preset(str(folder))
    return folder, model


def copy(folder, target):
    for path in folder.rglob("*"):
        if path.is_file():
            (target / path.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
            (target / path.relative_to(folder)).write_bytes(path.read_bytes())
    return target


def test_encoder_and_head_give_the_same_outputs(preset):
    folder, model = preset
    checkpoint = open_checkpoint(folder)
    encoder = BertEncoder(checkpoint.config)
    report = load_weights(encoder_weights(encoder), checkpoint)
    counters = {f"task.weights.h5/optimizer/vars/{index}" for index in (0, 1)}
    assert set(report.ignored) == {"classifier.weight", "classifier.bias", *counters}
    ours, theirs = encoder(INPUTS), model.backbone(INPUTS)
    real = INPUTS["padding_mask"].astype(bool)
    np.testing.assert_allclose(
        np.asarray(ours["sequence_output"])[real], np.asarray(theirs["sequence_output"])[real], atol=1e-5
    )
    np.testing.assert_allclose(ours["pooled_output"], theirs["pooled_output"], atol=1e-5)
    head = checkpoint.tensors
    logits = np.asarray(ours["pooled_output"]) @ head["classifier.weight"].T + head["classifier.bias"]
    np.testing.assert_allclose(logits, keras.ops.convert_to_numpy(model(INPUTS)), atol=1e-5)
    assert checkpoint.labels == ["LABEL_0", "LABEL_1", "LABEL_2"]


def test_tokenizer_settings(preset, tmp_path):
    folder, _ = preset
    checkpoint = open_checkpoint(folder)
    assert checkpoint.vocabulary == small.ENTRIES
    assert (checkpoint.lowercase, checkpoint.strip_accents) == (True, True)
    other = copy(folder, tmp_path)
    tokenizer(lowercase=True).save_to_preset(str(other))
    checkpoint = open_checkpoint(other)
    assert (checkpoint.lowercase, checkpoint.strip_accents) == (True, False)


def test_a_preset_without_a_tokenizer_is_noted(tmp_path):
    backbone().save_to_preset(str(tmp_path))
    checkpoint = open_checkpoint(tmp_path)
    assert checkpoint.vocabulary is None
    assert checkpoint.metadata["architectures"] == ["BertModel"]
    assert any("no tokenizer" in note for note in checkpoint.notes)
    with pytest.raises(InputError, match="no vocabulary beside the weights"):
        checkpoint.tokenizer()


def test_the_layout_of_older_files(preset, tmp_path):
    folder = copy(preset[0], tmp_path)
    with h5py.File(folder / "model.weights.h5", "a") as file:
        file.move("layers", "_layer_checkpoint_dependencies")
    old, new = open_checkpoint(folder), open_checkpoint(preset[0])
    assert old.tensors.keys() == new.tensors.keys()
    assert all((old.tensors[name] == new.tensors[name]).all() for name in new.tensors)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("config.json", {"class_name": "RobertaBackbone"}, "the preset of a RobertaBackbone"),
        ("config.json", {"config": {"hidden_dim": 8}}, "no 'vocabulary_size' in its config"),
        ("tokenizer.json", {"config": {"split": False}}, "split is False"),
        ("tokenizer.json", {"config": {"suffix_indicator": "@@"}}, "suffix_indicator is '@@'"),
    ],
)
def test_a_preset_that_this_bert_cannot_follow(preset, tmp_path, file, change, message):
    folder = copy(preset[0], tmp_path)
    (folder / file).write_text(json.dumps({**json.loads((folder / file).read_text()), **change}))
    with pytest.raises(InputError, match=message) as error:
        open_checkpoint(folder)
    assert file in str(error.value)


def test_truncated_weights(preset, tmp_path):
    folder = copy(preset[0], tmp_path)
    path = folder / "model.weights.h5"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(InputError, match=r"model\.weights\.h5: truncated or damaged"):
        open_checkpoint(folder)


def test_no_local_file_gets_into_a_model(preset, tmp_path):
    folder = copy(preset[0], tmp_path / "preset")
    secret = tmp_path / "secret"
    secret.write_bytes(b"0123456789abcdef" * 2)
    with h5py.File(folder / "model.weights.h5", "a") as file:
        del file["layers/dense/vars/1"]
        file.create_dataset("layers/dense/vars/1", (8,), "float32", external=[(str(secret), 0, 32)])
    with pytest.raises(InputError, match=r"layers/dense/vars/1: its numbers lie in another file"):
        convert(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_unknown_weight_is_an_error(preset, tmp_path):
    folder = copy(preset[0], tmp_path)
    with h5py.File(folder / "model.weights.h5", "a") as file:
        file["layers/adapter/vars/0"] = np.zeros(3, "float32")
    with pytest.raises(InputError, match="not the weights of a BertBackbone: adapter/vars/0"):
        open_checkpoint(folder)
