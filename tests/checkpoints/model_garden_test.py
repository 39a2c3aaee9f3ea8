"""Object checkpoints with Model Garden's attribute names, written here by tf.train.Checkpoint itself."""

import json
import re

import numpy as np
import pytest

from keras_bert.checkpoints import open_checkpoint, read_model_garden
from keras_bert.errors import InputError
from tests.checkpoints import small

ATTRIBUTES = {
    "embeddings.word_embeddings.weight": "_embedding_layer/embeddings",
    "embeddings.position_embeddings.weight": "_position_embedding_layer/embeddings",
    "embeddings.token_type_embeddings.weight": "_type_embedding_layer/embeddings",
    "embeddings.LayerNorm": "_embedding_norm_layer",
    "attention.self.query": "_attention_layer/_query_dense",
    "attention.self.key": "_attention_layer/_key_dense",
    "attention.self.value": "_attention_layer/_value_dense",
    "attention.output.dense": "_attention_layer/_output_dense",
    "attention.output.LayerNorm": "_attention_layer_norm",
    "intermediate.dense": "_intermediate_dense",
    "output.dense": "_output_dense",
    "output.LayerNorm": "_output_layer_norm",
    "pooler.dense": "_pooler_layer",
}
HEADS, HEAD_SIZE = small.CONFIG.num_attention_heads, small.CONFIG.head_size
FUNCTIONAL = ("_embedding_layer", "_position_embedding_layer", "_type_embedding_layer", "_embedding_norm_layer")


def attribute(name):
    """Model Garden's attribute path for a tensor of Hugging Face's (official/nlp, BertEncoderV2)."""
    name = name.removeprefix("bert.")
    if name in ATTRIBUTES:
        return ATTRIBUTES[name]
    layer, last = name.rsplit(".", 1)
    match = re.fullmatch(r"encoder\.layer\.(\d+)\.(.+)", layer)
    path = f"_transformer_layers/{match[1]}/{ATTRIBUTES[match[2]]}" if match else ATTRIBUTES[layer]
    endings = {"weight": "gamma", "bias": "beta"} if "LayerNorm" in layer else {"weight": "kernel", "bias": "bias"}
    return f"{path}/{endings[last]}"


def stored(path, value):
    """The array as Model Garden holds it: einsum kernels with the heads as an axis."""
    if re.search("_(query|key|value)_dense/kernel", path):
        return value.T.reshape(-1, HEADS, HEAD_SIZE)
    if re.search("_(query|key|value)_dense/bias", path):
        return value.reshape(HEADS, HEAD_SIZE)
    if "_attention_layer/_output_dense/kernel" in path:
        return value.T.reshape(HEADS, HEAD_SIZE, -1)
    return value.T if path.endswith("kernel") else value


def functional(path):
    """The path in a functional model, where layers are numbered."""
    first, rest = path.split("/", 1)
    if first == "_transformer_layers":
        block, rest = rest.split("/", 1)
        return f"layer_with_weights-{4 + int(block)}/{rest}"
    number = FUNCTIONAL.index(first) if first in FUNCTIONAL else 4 + small.CONFIG.num_hidden_layers
    return f"layer_with_weights-{number}/{rest}"


def variables(prefix, rename=lambda path: path):
    paths = {attribute(name): value for name, value in small.tensors().items()}
    return {prefix + rename(path): stored(path, value) for path, value in paths.items()}


def assert_encoder(checkpoint):
    for name, value in small.tensors().items():
        np.testing.assert_array_equal(checkpoint.tensors[name], value, err_msg=name)
    assert checkpoint.config.hidden_act == "gelu_new"


@pytest.mark.parametrize(
    ("prefix", "rename"),
    [
        ("encoder/", lambda path: path),
        ("model/", functional),
        ("encoder/", functional),
        ("model/encoder_network/", lambda path: path),
        ("model/encoder/", lambda path: path),
        ("model/", lambda path: path.replace("_attention_layer/_output_dense", "_attention_output_dense")),
    ],
)
def test_layouts(tmp_path, prefix, rename):
    checkpoint = open_checkpoint(small.write_model_garden(tmp_path, variables(prefix, rename)))
    assert_encoder(checkpoint)
    assert checkpoint.tensors.keys() == small.tensors().keys()
    assert checkpoint.ignored == {
        "_CHECKPOINTABLE_OBJECT_GRAPH": "TensorFlow's own list of the objects",
        "save_counter/.ATTRIBUTES/VARIABLE_VALUE": "counter of the training",
    }


def pretrainer(prefix="model/"):
    """A BertPretrainerV2 whose word table is stored with the masked-word head, which comes first."""
    generator = np.random.default_rng(2)
    values = variables(f"{prefix}encoder_network/")
    values[f"{prefix}masked_lm/embedding_table"] = values.pop(f"{prefix}encoder_network/_embedding_layer/embeddings")
    shapes = {
        "masked_lm/dense/kernel": (8, 8),
        "masked_lm/dense/bias": (8,),
        "masked_lm/layer_norm/gamma": (8,),
        "masked_lm/layer_norm/beta": (8,),
        "masked_lm/output_bias.Sbias": (20,),
        "classification_heads/0/dense/kernel": (8, 8),
        "classification_heads/0/dense/bias": (8,),
        "classification_heads/0/out_proj/kernel": (8, 2),
        "classification_heads/0/out_proj/bias": (2,),
    }
    heads = {f"{prefix}{name}": generator.normal(size=shape).astype("float32") for name, shape in shapes.items()}
    return values | heads


def test_the_pretrainers_heads(tmp_path):
    values = pretrainer()
    values["optimizer/iterations"] = np.array(7.0, "float32")
    checkpoint = open_checkpoint(small.write_model_garden(tmp_path, values))
    assert_encoder(checkpoint)
    assert checkpoint.ignored["optimizer/iterations/.ATTRIBUTES/VARIABLE_VALUE"] == "state of the optimizer"
    inner = checkpoint.tensors["cls.seq_relationship.dense.weight"]
    np.testing.assert_array_equal(inner, values["model/classification_heads/0/dense/kernel"].T)
    assert checkpoint.tensors["cls.seq_relationship.weight"].shape == (2, 8)
    assert checkpoint.tensors["cls.predictions.bias"].shape == (20,)
    assert checkpoint.metadata["architectures"] == ["BertForMaskedLM"]
    assert any("pooler='next_sentence'" in note for note in checkpoint.notes)


def test_the_next_sentence_heads_inner_layer_as_the_pooler(tmp_path):
    values = pretrainer()
    folder = small.write_model_garden(tmp_path, values)
    checkpoint = open_checkpoint(folder, pooler="next_sentence")
    pooler = checkpoint.tensors["bert.pooler.dense.weight"]
    np.testing.assert_array_equal(pooler, values["model/classification_heads/0/dense/kernel"].T)
    assert "cls.seq_relationship.dense.weight" not in checkpoint.tensors
    assert "replaced as asked" in checkpoint.ignored["bert.pooler.dense.weight"]
    assert checkpoint.metadata["architectures"] == ["BertForPreTraining"]
    with pytest.raises(InputError, match="pooler must be one of encoder, next_sentence, received: 'other'"):
        open_checkpoint(folder, pooler="other")


def test_a_checkpoint_without_such_a_layer(tmp_path):
    folder = small.write_model_garden(tmp_path, variables("encoder/"))
    with pytest.raises(InputError, match="next-sentence head has no inner layer"):
        open_checkpoint(folder, pooler="next_sentence")


def test_a_weight_that_is_there_twice_with_other_values(tmp_path):
    values = pretrainer()
    values["model/encoder_network/_embedding_layer/embeddings"] = np.zeros((20, 8), "float32")
    with pytest.raises(InputError, match=r"a second bert\.embeddings\.word_embeddings\.weight with other values"):
        read_model_garden(small.write_model_garden(tmp_path, values))


def test_an_unknown_variable_is_named(tmp_path):
    values = {**variables("model/"), "model/classifier/kernel": np.zeros((8, 3), "float32")}
    checkpoint = open_checkpoint(small.write_model_garden(tmp_path, values))
    assert checkpoint.ignored["model/classifier/kernel/.ATTRIBUTES/VARIABLE_VALUE"].startswith("not a variable of")


def test_another_model(tmp_path):
    folder = small.write_model_garden(tmp_path, {"model/conv/kernel": np.zeros((3, 3), "float32")})
    with pytest.raises(InputError, match="not a BERT of Model Garden; its first variables are: "):
        open_checkpoint(folder)


def test_heads_of_another_number_than_the_config_says(tmp_path):
    folder = small.write_model_garden(tmp_path, variables("encoder/"))
    path = folder / "bert_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "num_attention_heads": 4}))
    with pytest.raises(InputError, match=r"has 2 heads, the config num_attention_heads=4"):
        open_checkpoint(folder)
