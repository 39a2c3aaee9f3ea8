"""Google's TensorFlow 1 layout: written here by TensorFlow's own Saver with Google's names."""

import numpy as np
import pytest

from keras_bert.checkpoints import open_checkpoint
from keras_bert.errors import InputError
from tests.checkpoints import small


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("google") / "checkpoint"
    small.write_google(folder, small.tensors())
    return folder


def test_every_variable_is_read_or_named(folder):
    checkpoint = open_checkpoint(folder)
    values = small.tensors()
    assert checkpoint.tensors.keys() == values.keys()
    for name, value in values.items():
        np.testing.assert_array_equal(checkpoint.tensors[name], value, err_msg=name)
    assert len(checkpoint.ignored) == 1 + 2 * len(values)
    assert checkpoint.vocabulary == small.ENTRIES


def test_gelu_is_the_tanh_form_unless_said(folder):
    assert open_checkpoint(folder).config.hidden_act == "gelu_new"
    assert open_checkpoint(folder, hidden_act="gelu").config.hidden_act == "gelu"


def test_another_architecture_is_refused(tmp_path):
    small.write_google(tmp_path, {"roberta.lm_head.dense.weight": np.ones((3, 4), "float32")})
    with pytest.raises(InputError, match="not a checkpoint of Google's BERT"):
        open_checkpoint(tmp_path)


def test_missing_files(folder, tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        open_checkpoint(tmp_path / "nowhere")
    with pytest.raises(InputError) as error:
        open_checkpoint(tmp_path)
    assert "\n" not in str(error.value)
    for path in folder.glob("*.ckpt*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(InputError, match=r"bert_config\.json"):
        open_checkpoint(tmp_path)


def test_a_truncated_data_file(folder, tmp_path):
    for path in folder.iterdir():
        data = path.read_bytes()
        (tmp_path / path.name).write_bytes(data[: len(data) // 2] if ".data-" in path.name else data)
    with pytest.raises(InputError) as error:
        open_checkpoint(tmp_path)
    assert "\n" not in str(error.value)
