"""Google's TensorFlow 1 layout: written here by TensorFlow's own Saver with Google's names."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.checkpoints import open_checkpoint
from keras_bert.checkpoints.heads import head_of
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


@pytest.mark.parametrize(
    ("name", "capitals", "lowercase", "why"),
    [
        ("uncased_L-2_H-8_A-2", 0, True, "the folder's name says uncased"),
        ("uncased_L-2_H-8_A-2", 9, True, "the folder's name says uncased"),
        ("multi_cased_L-2_H-8_A-2", 0, False, "the folder's name says cased"),
        ("chinese_L-2_H-8_A-2", 0, True, "Google's default"),
        ("mine", 9, False, "9 entries of vocab.txt have capitals"),
    ],
)
def test_lower_casing_is_concluded_and_noted(folder, tmp_path, name, capitals, lowercase, why):
    (tmp_path / name).mkdir()
    for path in folder.iterdir():
        (tmp_path / name / path.name).write_bytes(path.read_bytes())
    entries = [token.upper() if token in "abcdefghi"[:capitals] else token for token in small.ENTRIES]
    (tmp_path / name / "vocab.txt").write_text("\n".join(entries) + "\n", encoding="utf-8")
    checkpoint = open_checkpoint(tmp_path / name)
    assert checkpoint.lowercase is lowercase
    [note] = [note for note in checkpoint.notes if note.startswith("lowercase=")]
    assert why in note


def test_the_heads_of_googles_fine_tuning_programs(tmp_path):
    head = np.arange(24, dtype="float32").reshape(3, 8)
    prefix = tmp_path / "model.ckpt"
    small.write_google(tmp_path / "base", small.tensors())
    base = tf.train.load_checkpoint(str(tmp_path / "base" / "bert_model.ckpt"))
    values = {name: base.get_tensor(name) for name in base.get_variable_to_shape_map()}
    for names, target, architecture in (
        (("output_weights", "output_bias"), "classifier", "BertForSequenceClassification"),
        (("cls/squad/output_weights", "cls/squad/output_bias"), "qa_outputs", "BertForQuestionAnswering"),
    ):
        whole = {**values, names[0]: head, names[1]: head[:, 0], "loss_scale": np.float32(1)}
        tf.raw_ops.SaveV2(
            prefix=str(prefix),
            tensor_names=list(whole),
            shape_and_slices=[""] * len(whole),
            tensors=[tf.constant(value) for value in whole.values()],
        )
        for name in ("bert_config.json", "vocab.txt"):
            (tmp_path / name).write_bytes((tmp_path / "base" / name).read_bytes())
        checkpoint = open_checkpoint(prefix)
        np.testing.assert_array_equal(checkpoint.tensors[f"{target}.weight"], head)
        np.testing.assert_array_equal(checkpoint.tensors[f"{target}.bias"], head[:, 0])
        assert head_of(checkpoint) == architecture
        assert checkpoint.ignored["loss_scale"] == "counter of the training"
    assert checkpoint.labels is None
