"""Prefixes that wrappers leave in the names of tensors are taken off, with a note."""

import numpy as np
import pytest

from keras_bert.checkpoints import open_checkpoint
from keras_bert.checkpoints.pytorch_names import canonical_name, canonical_names
from keras_bert.errors import InputError
from tests.checkpoints import small

HEAD = {"classifier.weight": np.ones((2, 8), "float32"), "classifier.bias": np.zeros(2, "float32")}


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize(
    "prefix",
    ["module.", "model.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "model.module.", "auto_model."],
)
def test_prefixes_are_taken_off_with_a_note(tmp_path, prefix, bare):
    values = small.tensors() | ({} if bare else HEAD)
    stored = {prefix + (name.removeprefix("bert.") if bare else name): value for name, value in values.items()}
    checkpoint = open_checkpoint(small.write_hugging_face(tmp_path, stored))
    assert checkpoint.tensors.keys() == values.keys()
    for name, value in values.items():
        np.testing.assert_array_equal(checkpoint.tensors[name], value)
    note = next(note for note in checkpoint.notes if "taken off" in note)
    assert f"'{prefix.split('.')[0]}.'" in note
    assert f"of {len(values)} tensors" in note


@pytest.mark.parametrize(
    ("stored", "today"),
    [
        ("bert._orig_mod.encoder.layer.0.output.dense.bias", "bert.encoder.layer.0.output.dense.bias"),
        ("bert.module.encoder.layer.0.output.dense.bias", "bert.encoder.layer.0.output.dense.bias"),
        ("encoder.layer.0._checkpoint_wrapped_module.output.dense.bias", "bert.encoder.layer.0.output.dense.bias"),
        ("classifier.weight", "classifier.weight"),
    ],
)
def test_parts_that_were_wrapped(stored, today):
    assert list(canonical_names([stored], "a.bin")[0]) == [today]


def test_any_attribute_that_holds_a_bert():
    names = ["net.bert.embeddings.word_embeddings.weight", "net.classifier.weight", "loss.weight"]
    found, notes = canonical_names(names, "a.bin")
    assert list(found) == ["bert.embeddings.word_embeddings.weight", "classifier.weight", "loss.weight"]
    assert notes == ["'net.' was taken off the names of 2 tensors"]


def test_two_encoders_are_not_made_one():
    names = [f"{tower}.bert.embeddings.word_embeddings.weight" for tower in ("query", "document")]
    assert canonical_names(names, "a.bin") == ({name: name for name in names}, [])
    with pytest.raises(InputError, match="are the same weight"):
        canonical_names(["module.bert.pooler.dense.bias", "bert.pooler.dense.bias"], "a.bin")


def test_names_of_today():
    assert canonical_name("embeddings.LayerNorm.beta") == "bert.embeddings.LayerNorm.bias"
    assert canonical_name("classifier.weight") == "classifier.weight"
    assert canonical_name("cls.predictions.transform.LayerNorm.gamma").endswith("LayerNorm.weight")
