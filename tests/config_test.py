"""The truth: the published BERT-base of arXiv:1810.04805 and the fields of real config files, written out."""

import dataclasses
import json

import pytest

from keras_bert.config import ACTIVATIONS, BertConfig
from keras_bert.errors import InputError

BASE = {
    "vocab_size": 30522,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "initializer_range": 0.02,
    "layer_norm_eps": 1e-12,
    "classifier_dropout": None,
    "position_embedding_type": "absolute",
    "norm_first": False,
    "attention_head_size": None,
}
# Every field, none with its default.
OTHER = {
    "vocab_size": 100,
    "hidden_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "hidden_act": "silu",
    "hidden_dropout_prob": 0.2,
    "attention_probs_dropout_prob": 0.3,
    "max_position_embeddings": 64,
    "type_vocab_size": 3,
    "initializer_range": 0.1,
    "layer_norm_eps": 1e-5,
    "classifier_dropout": 0.4,
    "position_embedding_type": "sinusoidal",
    "norm_first": True,
    "attention_head_size": 8,
}
# https://huggingface.co/google-bert/bert-base-uncased, config.json
HUGGING_FACE = {
    "architectures": ["BertForMaskedLM"],
    "attention_probs_dropout_prob": 0.1,
    "gradient_checkpointing": False,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 768,
    "initializer_range": 0.02,
    "intermediate_size": 3072,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "model_type": "bert",
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "pad_token_id": 0,
    "position_embedding_type": "absolute",
    "transformers_version": "4.6.0.dev0",
    "type_vocab_size": 2,
    "use_cache": True,
    "vocab_size": 30522,
}
# google-research/bert, bert_config.json of uncased_L-2_H-128_A-2
GOOGLE = {
    "hidden_size": 128,
    "hidden_act": "gelu",
    "initializer_range": 0.02,
    "vocab_size": 30522,
    "hidden_dropout_prob": 0.1,
    "num_attention_heads": 2,
    "type_vocab_size": 2,
    "max_position_embeddings": 512,
    "num_hidden_layers": 2,
    "intermediate_size": 512,
    "attention_probs_dropout_prob": 0.1,
}


def write(folder, fields):
    path = folder / "config.json"
    path.write_text(fields if isinstance(fields, str) else json.dumps(fields), encoding="utf-8")
    return path


def test_the_defaults_are_bert_base():
    assert BertConfig().to_dict() == BASE
    assert list(BertConfig().to_dict()) == list(BASE)


def test_to_dict_and_back():
    assert OTHER.keys() == BASE.keys()
    assert not [name for name in BASE if OTHER[name] == BASE[name]]
    config = BertConfig(**OTHER)
    assert config.to_dict() == OTHER
    assert BertConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_frozen_and_hashable():
    config = BertConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.hidden_size = 1
    assert len({config, BertConfig(), BertConfig(norm_first=True)}) == 2


def test_head_size_and_dropout_before_the_head():
    assert BertConfig().head_size == 64
    assert BertConfig(hidden_dropout_prob=0.2).head_dropout_prob == 0.2
    assert BertConfig(hidden_dropout_prob=0.2, classifier_dropout=0.0).head_dropout_prob == 0.0


def test_heads_that_do_not_fill_the_hidden_size():
    config = BertConfig(hidden_size=384, num_attention_heads=9, attention_head_size=32)
    assert (config.head_size, config.attention_size) == (32, 288)
    assert BertConfig.from_dict(config.to_dict()) == config
    # the size that follows anyway is no other config
    assert BertConfig(attention_head_size=64) == BertConfig()
    assert BertConfig().attention_size == 768


def test_hugging_face_fields_and_file(tmp_path):
    assert BertConfig.from_dict(HUGGING_FACE) == BertConfig()
    assert BertConfig.from_json_file(write(tmp_path, HUGGING_FACE)) == BertConfig()
    assert BertConfig.from_json_file(str(write(tmp_path, {"model_type": "bert", **OTHER}))) == BertConfig(**OTHER)


def test_google_fields_and_file(tmp_path):
    expected = BertConfig(
        hidden_size=128, num_hidden_layers=2, num_attention_heads=2, intermediate_size=512, hidden_act="gelu_new"
    )
    assert BertConfig.from_google_dict(GOOGLE) == expected
    assert BertConfig.from_json_file(write(tmp_path, GOOGLE)) == expected


def test_google_without_an_activation_is_the_tanh_gelu():
    fields = {name: value for name, value in GOOGLE.items() if name != "hidden_act"}
    assert BertConfig.from_google_dict(fields).hidden_act == "gelu_new"
    assert BertConfig.from_dict(fields).hidden_act == "gelu"


def test_the_fields_given_are_left_as_they_were():
    fields = dict(GOOGLE)
    BertConfig.from_google_dict(fields)
    assert fields == GOOGLE


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_keep_their_names(activation):
    assert BertConfig.from_dict({"hidden_act": activation}).hidden_act == activation
    google = "gelu_new" if activation == "gelu" else activation
    assert BertConfig.from_google_dict({"hidden_act": activation}).hidden_act == google


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("gelu_python", "gelu"),
        ("gelu_pytorch_tanh", "gelu_new"),
        ("gelu_python_tanh", "gelu_new"),
        ("gelu_accurate", "gelu_new"),
        ("gelu_fast", "gelu_new"),
        ("swish", "silu"),
    ],
)
def test_other_spellings_of_activations(alias, name):
    assert BertConfig.from_dict({"hidden_act": alias}).hidden_act == name
    assert BertConfig.from_google_dict({"hidden_act": alias}).hidden_act == name


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        *(
            ({name: value}, f"BertConfig: {name} must be a positive integer, received: {value!r}")
            for name in ("vocab_size", "num_hidden_layers", "max_position_embeddings", "type_vocab_size")
            for value in (0, -1, 2.0, "12", True, None)
        ),
        ({"hidden_size": 0}, "BertConfig: hidden_size must be a positive integer, received: 0"),
        ({"vocab_size": 2**31}, "BertConfig: vocab_size must be under 2**31, as ids are int32, received: 2147483648"),
        ({"layer_norm_eps": 10**400}, f"BertConfig: layer_norm_eps must be a positive number, received: {10**400}"),
        ({"num_attention_heads": 0}, "BertConfig: num_attention_heads must be a positive integer, received: 0"),
        ({"intermediate_size": 0}, "BertConfig: intermediate_size must be a positive integer, received: 0"),
        *(
            ({name: value}, f"BertConfig: {name} must be a number in [0, 1), received: {value!r}")
            for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout")
            for value in (1.0, -0.1, float("nan"), "0.1", True)
        ),
        ({"hidden_dropout_prob": None}, "BertConfig: hidden_dropout_prob must be a number in [0, 1), received: None"),
        *(
            ({name: value}, f"BertConfig: {name} must be a positive number, received: {value!r}")
            for name in ("initializer_range", "layer_norm_eps")
            for value in (0.0, -1e-12, float("inf"), float("nan"), "1e-12", None)
        ),
        ({"norm_first": 1}, "BertConfig: norm_first must be true or false, received: 1"),
        ({"attention_head_size": 0}, "BertConfig: attention_head_size must be a positive integer, received: 0"),
        ({"hidden_size": 100}, "BertConfig: hidden_size=100 is not a multiple of num_attention_heads=12"),
        (
            {"hidden_act": "gelu_10"},
            "BertConfig: hidden_act must be one of gelu, gelu_new, relu, silu, tanh, received: 'gelu_10'",
        ),
        (
            {"hidden_act": None},
            "BertConfig: hidden_act must be one of gelu, gelu_new, relu, silu, tanh, received: None",
        ),
        (
            {"hidden_act": ["gelu"]},
            "BertConfig: hidden_act must be one of gelu, gelu_new, relu, silu, tanh, received: ['gelu']",
        ),
        (
            {"position_embedding_type": "relative_key"},
            "BertConfig: position_embedding_type must be one of absolute, sinusoidal, received: 'relative_key'",
        ),
    ],
)
def test_bad_values(fields, message, tmp_path):
    for build in (lambda: BertConfig(**fields), lambda: BertConfig.from_dict(fields)):
        with pytest.raises(InputError) as caught:
            build()
        assert str(caught.value) == message
    path = write(tmp_path, {"model_type": "bert", **fields})
    with pytest.raises(InputError) as caught:
        BertConfig.from_json_file(path)
    assert str(caught.value) == f"{path}: {message}"


@pytest.mark.parametrize("name", ["is_decoder", "add_cross_attention"])
def test_a_decoder_is_refused(name):
    assert BertConfig.from_dict({name: False}) == BertConfig()
    with pytest.raises(InputError, match=f"{name} is True; keras_bert has BERT as an encoder only"):
        BertConfig.from_dict({name: True})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a JSON file (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))"),
        ("", "not a JSON file (Expecting value: line 1 column 1 (char 0))"),
        ("[1]", "expected a JSON object, found list"),
        ('{"model_type": "roberta"}', "model_type is 'roberta'; keras_bert reads 'bert' only"),
        ('{"model_type": ""}', "model_type is ''; keras_bert reads 'bert' only"),
    ],
)
def test_files_that_are_no_config(text, message, tmp_path):
    path = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        BertConfig.from_json_file(path)
    assert str(caught.value) == f"{path}: {message}"


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"config\.json: no such file; a BERT checkpoint has its config there"):
        BertConfig.from_json_file(tmp_path / "config.json")
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\)"):
        BertConfig.from_json_file(tmp_path)
    path = tmp_path / "latin.json"
    path.write_bytes(b'{"hidden_act": "\xe9"}')
    with pytest.raises(InputError, match=r"latin\.json: not a JSON file"):
        BertConfig.from_json_file(path)
