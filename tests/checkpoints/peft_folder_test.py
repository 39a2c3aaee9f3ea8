"""PEFT folders: what others wrote is read, and what is another formula is refused by name."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from keras_bert.checkpoints import open_checkpoint
from keras_bert.checkpoints.peft_folder import is_adapter, read_adapter
from keras_bert.errors import InputError
from tests.tasks import tiny

QUERY = "base_model.model.bert.encoder.layer.1.attention.self.query"
PAIR = {f"{QUERY}.lora_A.weight": np.ones((2, 32), "float32"), f"{QUERY}.lora_B.weight": np.ones((32, 2), "float32")}


def write(folder: Path, tensors: dict[str, np.ndarray] | None = None, **fields: Any) -> Path:
    folder.mkdir()
    save_file(PAIR if tensors is None else tensors, folder / "adapter_model.safetensors")
    settings = {"peft_type": "LORA", "r": 2, "lora_alpha": 8, "lora_dropout": 0.1, "base_model_name_or_path": None}
    (folder / "adapter_config.json").write_text(json.dumps({**settings, **fields}))
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("base") / "model"
    tiny.classifier().save_preset(folder)
    return folder


@pytest.mark.parametrize(("slora", "scale"), [(False, 4.0), (True, 8 / 2**0.5)])
def test_the_sum_is_opened(base: Path, tmp_path: Path, slora: bool, scale: float):
    head = {"base_model.model.classifier.weight": np.full((2, 32), 0.5, "float32")}
    head["base_model.model.classifier.bias"] = np.zeros(2, "float32")
    fields = {"base_model_name_or_path": str(base), "task_type": "SEQ_CLS", "use_rslora": slora}
    folder = write(tmp_path / "peft", PAIR | head, **fields)
    assert is_adapter(folder)
    assert not is_adapter(base)
    found, whole = open_checkpoint(folder), open_checkpoint(base)
    name = "bert.encoder.layer.1.attention.self.query.weight"
    np.testing.assert_allclose(found.tensors[name], whole.tensors[name] + scale * 2, rtol=1e-6)
    np.testing.assert_array_equal(found.tensors["classifier.weight"], head["base_model.model.classifier.weight"])
    assert found.vocabulary == whole.vocabulary
    assert found.labels == ["LABEL_0", "LABEL_1"]  # the base's three are not of this head
    changed = {name for name, tensor in found.tensors.items() if not np.array_equal(tensor, whole.tensors[name])}
    assert changed == {name, "classifier.weight", "classifier.bias"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"peft_type": "IA3"}, "peft_type is 'IA3'; only LORA is read here"),
        ({"use_dora": True}, "use_dora is True, a formula that is not known here"),
        ({"alpha_pattern": {"query": 3}}, "alpha_pattern is"),
        ({"lora_alpha": "8"}, "lora_alpha is '8' and lora_dropout 0.1; expected numbers"),
        ({"base_model_name_or_path": 3}, "base_model_name_or_path is 3, expected a name"),
        ({}, "base_model_name_or_path does not name the model"),
        ({"base_model_name_or_path": "/nowhere/model"}, "base_model_name_or_path: /nowhere/model: no such folder"),
    ],
    ids=str,
)
def test_bad_settings(fields: dict[str, Any], message: str, tmp_path: Path):
    with pytest.raises(InputError, match=message):
        open_checkpoint(write(tmp_path / "peft", **fields))


def test_a_folder_that_names_itself(tmp_path: Path):
    with pytest.raises(InputError, match="is the folder itself"):
        open_checkpoint(write(tmp_path / "peft", base_model_name_or_path=str(tmp_path / "peft")))


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({}, "no adapter there"),
        ({f"{QUERY}.lora_A.weight": np.ones((2, 32), "float32")}, r"have the shapes \(2, 32\) and None"),
        (
            {
                f"{QUERY}.lora_A.weight": np.ones((2, 32), "float32"),
                f"{QUERY}.lora_B.weight": np.ones((32, 3), "float32"),
            },
            r"have the shapes \(2, 32\) and \(32, 3\)",
        ),
        ({name.replace("query", "rotary"): value for name, value in PAIR.items()}, "those of the dense layers of BERT"),
    ],
    ids=["none", "half", "ranks", "layer"],
)
def test_bad_matrices(tensors: dict[str, np.ndarray], message: str, tmp_path: Path):
    with pytest.raises(InputError, match=message):
        read_adapter(write(tmp_path / "peft", tensors))


def test_matrices_of_another_model(base: Path, tmp_path: Path):
    wide = {name: np.ones((2, 48) if "lora_A" in name else (48, 2), "float32") for name in PAIR}
    with pytest.raises(InputError, match=r"an adapter of .*query, \(48, 48\); .* has it as \(32, 32\)"):
        open_checkpoint(write(tmp_path / "wide", wide, base_model_name_or_path=str(base)))
    deep = {name.replace("layer.1", "layer.7"): value for name, value in PAIR.items()}
    with pytest.raises(InputError, match="has no such layer"):
        open_checkpoint(write(tmp_path / "deep", deep, base_model_name_or_path=str(base)))
    with pytest.raises(InputError, match=r"no adapter_model.safetensors there"):
        read_adapter(_without_weights(tmp_path / "none"))


def _without_weights(folder: Path) -> Path:
    write(folder)
    (folder / "adapter_model.safetensors").unlink()
    return folder
