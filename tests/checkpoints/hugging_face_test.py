"""Hugging Face folders as they are found in the world: prefixes, old names, half precision, sentence-transformers."""

import dataclasses
import json

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from keras_bert.checkpoints import open_checkpoint, read_hugging_face
from keras_bert.checkpoints.hugging_face import hugging_face_fields
from keras_bert.config import BertConfig
from keras_bert.errors import InputError
from tests.checkpoints import small

MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
]


def assert_values(checkpoint, **rest):
    values = small.tensors() | rest
    assert checkpoint.tensors.keys() == values.keys()
    for name, value in values.items():
        assert checkpoint.tensors[name].dtype == np.float32
        np.testing.assert_array_equal(checkpoint.tensors[name], value, err_msg=name)


def test_names_with_and_without_the_prefix(tmp_path):
    values = small.tensors()
    bare = {name.removeprefix("bert."): value for name, value in values.items()}
    assert_values(read_hugging_face(small.write_hugging_face(tmp_path / "with", values)))
    assert_values(read_hugging_face(small.write_hugging_face(tmp_path / "without", bare)))


def test_old_names_buffers_and_tied_copies(tmp_path):
    values = small.tensors()
    head = {"cls.predictions.bias": np.arange(20, dtype="float32")}
    stored = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
        for name, value in values.items()
    }
    stored |= head
    stored["bert.embeddings.position_ids"] = np.arange(16)[None]
    stored["cls.predictions.decoder.weight"] = values["bert.embeddings.word_embeddings.weight"]
    stored["cls.predictions.decoder.bias"] = head["cls.predictions.bias"]
    checkpoint = read_hugging_face(small.write_hugging_face(tmp_path, stored))
    assert_values(checkpoint, **head)
    assert checkpoint.ignored.keys() == {
        "bert.embeddings.position_ids",
        "cls.predictions.decoder.weight",
        "cls.predictions.decoder.bias",
    }
    assert "copy of bert.embeddings.word_embeddings.weight" in checkpoint.ignored["cls.predictions.decoder.weight"]


def test_an_untied_output_matrix_is_kept(tmp_path):
    other = {"cls.predictions.decoder.weight": np.ones((20, 8), "float32")}
    folder = small.write_hugging_face(tmp_path, small.tensors() | other, tie_word_embeddings=False)
    assert_values(read_hugging_face(folder), **other)


@pytest.mark.parametrize("shape", [(20, 8), (24, 8)])
def test_a_stale_output_matrix_is_passed_over_with_a_note(tmp_path, shape):
    """transformers ties it to the word table when it loads the model, whatever the file has."""
    head = {"cls.predictions.bias": np.arange(20, dtype="float32")}
    stale = {"cls.predictions.decoder.weight": np.ones(shape, "float32"), "cls.predictions.decoder.bias": np.ones(20)}
    checkpoint = read_hugging_face(small.write_hugging_face(tmp_path, small.tensors() | head | stale))
    assert_values(checkpoint, **head)
    for name in stale:
        assert "to which transformers ties it" in checkpoint.ignored[name]
        assert any(note.startswith(f"{name} was passed over") for note in checkpoint.notes)


def test_the_bias_of_the_decoder_alone_is_the_output_bias(tmp_path):
    bias = np.arange(20, dtype="float32")
    folder = small.write_hugging_face(tmp_path, small.tensors() | {"cls.predictions.decoder.bias": bias})
    checkpoint = read_hugging_face(folder)
    assert_values(checkpoint, **{"cls.predictions.bias": bias})
    assert any("cls.predictions.decoder.bias is the output bias" in note for note in checkpoint.notes)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["bert.encoder.layer.1.output.dense.bias", "classifier.weight"])
def test_weights_that_are_no_numbers_are_named(tmp_path, name, value):
    values = {**small.tensors(), "classifier.weight": np.ones((2, 8), "float32")}
    values[name][..., -1] = value
    with pytest.raises(InputError, match=rf"1 tensors hold NaN or infinity, .*: {name};"):
        read_hugging_face(small.write_hugging_face(tmp_path, values))


def test_a_folder_from_before_transformers_says_what_to_do(tmp_path):
    folder = small.write_hugging_face(tmp_path, small.tensors())
    (folder / "config.json").rename(folder / "bert_config.json")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"rename bert_config\.json to config\.json") as error:
        open_checkpoint(folder)
    assert "pytorch-pretrained-bert" in str(error.value)


def test_a_weight_under_two_names_is_an_error(tmp_path):
    values = small.tensors()
    values["embeddings.LayerNorm.gamma"] = values["bert.embeddings.LayerNorm.weight"]
    with pytest.raises(InputError, match="are the same weight"):
        read_hugging_face(small.write_hugging_face(tmp_path, values))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_floats_become_float32_with_a_note(tmp_path, dtype):
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    stored = {name: value.astype(kind) for name, value in small.tensors().items()}
    checkpoint = read_hugging_face(small.write_hugging_face(tmp_path, stored, dtype=dtype))
    for name, value in stored.items():
        assert checkpoint.tensors[name].dtype == np.float32
        np.testing.assert_array_equal(checkpoint.tensors[name], value.astype("float32"))
    assert checkpoint.metadata["dtype"] == "float32"
    assert any(f"{len(stored)} tensors became float32" in note and dtype in note for note in checkpoint.notes)


def test_quantized_weights_are_refused(tmp_path):
    values = small.tensors()
    values["bert.pooler.dense.weight"] = values["bert.pooler.dense.weight"].astype("int8")
    with pytest.raises(InputError, match=r"bert\.pooler\.dense\.weight is int8, expected floating-point"):
        read_hugging_face(small.write_hugging_face(tmp_path, values))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model_type": "roberta"}, r"config\.json: model_type is 'roberta'"),
        ({"add_cross_attention": True}, r"config\.json: add_cross_attention is true"),
        ({"position_embedding_type": "relative_key"}, r"config\.json: .*position_embedding_type"),
        ({"num_hidden_layers": 1}, r"16 tensors that the config has no place for: bert\.encoder\.layer\.1"),
        ({"num_hidden_layers": 3}, r"16 tensors that the config asks for are missing: bert\.encoder\.layer\.2"),
        ({"num_hidden_layers": 10**9}, r"missing: bert\.encoder\.layer\.2.*num_hidden_layers=1000000000, .* 2 layers"),
        ({"hidden_size": 2**30}, r"has the shape \(20, 8\) in the file, \(20, 1073741824\) by the config"),
        ({"max_position_embeddings": 32}, "has 16 rows in the file, the config has max_position_embeddings=32"),
        ({"vocab_size": 24}, "has 20 rows in the file, the config has vocab_size=24"),
    ],
)
def test_a_config_that_does_not_fit(tmp_path, fields, message):
    folder = small.write_hugging_face(tmp_path, small.tensors(), **fields)
    with pytest.raises(InputError, match=message) as error:
        read_hugging_face(folder)
    assert "\n" not in str(error.value)


def test_another_model_under_the_name_of_bert(tmp_path):
    values = {name.replace("bert.", "roberta."): value for name, value in small.tensors().items()}
    with pytest.raises(InputError, match=r"not a BERT: .* the first of which are: roberta\."):
        read_hugging_face(small.write_hugging_face(tmp_path, values))


def test_a_missing_config(tmp_path):
    folder = small.write_hugging_face(tmp_path, small.tensors())
    (folder / "config.json").unlink()
    with pytest.raises(InputError, match=r"no config\.json there"):
        read_hugging_face(folder)


def test_a_config_without_a_model_type_is_noted(tmp_path):
    folder = small.write_hugging_face(tmp_path, small.tensors(), hidden_act="gelu")
    fields = json.loads((folder / "config.json").read_text())
    del fields["model_type"]
    (folder / "config.json").write_text(json.dumps(fields))
    checkpoint = read_hugging_face(folder)
    assert checkpoint.config.hidden_act == "gelu"
    assert any("model_type" in note for note in checkpoint.notes)


@pytest.mark.parametrize("inside", ["", "0_BERT"])
def test_sentence_transformers(tmp_path, inside):
    modules = [{**MODULES[0], "path": inside}, *MODULES[1:]]
    small.write_hugging_face(tmp_path / inside, small.tensors())
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    (tmp_path / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": 8, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    (tmp_path / inside / "sentence_bert_config.json").write_text('{"max_seq_length": 12}')
    checkpoint = open_checkpoint(tmp_path)
    assert_values(checkpoint)
    assert checkpoint.extra["sentence_embedding"] == {
        "pooling": ["mean"],
        "include_prompt": True,
        "modules": [],
        "normalize": True,
        "prompts": {},
        "default_prompt": None,
        "similarity": "cosine",
        "truncate_dim": None,
        "max_length": 12,
    }


def test_a_module_that_is_not_known_is_named(tmp_path):
    small.write_hugging_face(tmp_path, small.tensors())
    lstm = {"idx": 2, "name": "2", "path": "2_LSTM", "type": "sentence_transformers.models.LSTM"}
    (tmp_path / "modules.json").write_text(json.dumps([*MODULES[:1], lstm]))
    assert "not known here: the module LSTM" in open_checkpoint(tmp_path).ignored.values()


def test_a_module_behind_a_link_out_of_the_folder_is_refused(tmp_path):
    small.write_hugging_face(tmp_path / "model", small.tensors())
    (tmp_path / "outside").mkdir()
    (tmp_path / "model" / "1_Pooling").symlink_to(tmp_path / "outside")
    (tmp_path / "model" / "modules.json").write_text(json.dumps(MODULES[:2]))
    with pytest.raises(InputError, match=r"modules\.json: names '1_Pooling', which is a link that leads out"):
        open_checkpoint(tmp_path / "model")


@pytest.mark.parametrize("content", ["[]", "{}", "no json", '[{"type": "x.Pooling", "path": ""}]'])
def test_broken_modules(tmp_path, content):
    small.write_hugging_face(tmp_path, small.tensors())
    (tmp_path / "modules.json").write_text(content)
    with pytest.raises(InputError, match=r"modules\.json"):
        open_checkpoint(tmp_path)


@pytest.mark.parametrize("path", ["../other", "/etc", "1_Pooling/../../other"])
def test_modules_outside_of_the_folder(tmp_path, path):
    for position in (0, 1):
        folder = small.write_hugging_face(tmp_path / "folder", small.tensors())
        modules = [dict(module) for module in MODULES[:2]]
        modules[position]["path"] = path
        (folder / "modules.json").write_text(json.dumps(modules))
        small.write_hugging_face(tmp_path / "other", small.tensors())
        with pytest.raises(InputError, match=r"modules\.json: names .*, which leads out of its folder"):
            open_checkpoint(folder)


@pytest.mark.parametrize("name", ["../other/model.safetensors", "/dev/zero", 3, None])
def test_shards_outside_of_the_folder(tmp_path, name):
    small.write_hugging_face(tmp_path / "other", small.tensors())
    folder = small.write_hugging_face(tmp_path / "folder", small.tensors())
    (folder / "model.safetensors").unlink()
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": dict.fromkeys(small.tensors(), name)}))
    with pytest.raises(InputError, match=r"index\.json: (names .*, which leads out|expected the name of a file)"):
        open_checkpoint(folder)


def test_config_fields_that_did_not_change_go_out_as_they_came():
    fields = {"model_type": "bert", "hidden_size": 48, "num_attention_heads": 4, "architectures": ["BertModel"]}
    fields |= {"position_embedding_type": "absolute", "transformers_version": "4.8.2"}
    assert hugging_face_fields(BertConfig.from_dict(fields), fields) == fields


def test_config_fields_that_changed_replace_the_old_ones():
    fields = {"hidden_size": 48, "num_attention_heads": 4, "hidden_dropout_prob": 0.1}
    config = dataclasses.replace(BertConfig.from_dict(fields), hidden_dropout_prob=0.3)
    written = hugging_face_fields(config, fields)
    assert written["hidden_dropout_prob"] == 0.3
    assert BertConfig.from_dict(written) == config


@pytest.mark.parametrize("changes", [{"norm_first": True}, {"position_embedding_type": "sinusoidal"}])
def test_what_transformers_would_run_wrongly_is_not_called_bert(tmp_path, changes):
    config = dataclasses.replace(small.CONFIG, **changes)
    fields = hugging_face_fields(config, {})
    assert fields["model_type"] == "keras_bert"
    assert BertConfig.from_dict(fields) == config


def test_truncated_shards_name_the_shard(tmp_path):
    values = small.tensors()
    folder = small.write_hugging_face(tmp_path, values)
    (folder / "model.safetensors").unlink()
    names = sorted(values)
    shards = {"model-00001-of-00002.safetensors": names[:20], "model-00002-of-00002.safetensors": names[20:]}
    for shard, part in shards.items():
        save_file({name: values[name] for name in part}, folder / shard)
    weight_map = {name: shard for shard, part in shards.items() for name in part}
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))
    assert_values(open_checkpoint(folder))
    second = folder / "model-00002-of-00002.safetensors"
    second.write_bytes(second.read_bytes()[:-8])
    with pytest.raises(InputError, match=r"model-00002-of-00002\.safetensors: truncated"):
        open_checkpoint(folder)
    second.unlink()
    with pytest.raises(InputError, match=r"index\.json: names model-00002-of-00002\.safetensors, which is not"):
        open_checkpoint(folder)
    index.write_text("[]")
    with pytest.raises(InputError, match=r"index\.json: not an index"):
        open_checkpoint(folder)
