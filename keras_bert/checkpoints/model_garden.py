"""Model Garden's TF2 checkpoints: `bert_config.json`, `vocab.txt` and an object checkpoint."""

import re
from pathlib import Path

import numpy as np

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.google import activation_notes, add_vocabulary, note_half_precision
from keras_bert.checkpoints.heads import describe_heads
from keras_bert.checkpoints.shapes import check_shapes, shortened
from keras_bert.checkpoints.tensorflow_file import OBJECT_GRAPH, Variables, find_prefix
from keras_bert.config import BertConfig
from keras_bert.errors import InputError

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"

# What stands before the encoder's own names, longest first: Checkpoint(model=BertPretrainerV2),
# Checkpoint(encoder=...), Checkpoint(model=BertEncoder), weights saved without a Checkpoint.
_ENCODER_PREFIXES = ("model/encoder_network/", "encoder_network/", "model/encoder/", "encoder/", "model/", "")
_HEAD_PREFIXES = ("model/", "")

_TABLES = {
    "_embedding_layer/embeddings": "embeddings.word_embeddings.weight",
    "_position_embedding_layer/embeddings": "embeddings.position_embeddings.weight",
    "_type_embedding_layer/embeddings": "embeddings.token_type_embeddings.weight",
}
_LAYERS = {
    "_embedding_norm_layer": "embeddings.LayerNorm",
    "_pooler_layer": "pooler.dense",
}
_BLOCK_LAYERS = {
    "_attention_layer/_query_dense": "attention.self.query",
    "_attention_layer/_key_dense": "attention.self.key",
    "_attention_layer/_value_dense": "attention.self.value",
    "_attention_layer/_output_dense": "attention.output.dense",
    "_attention_output_dense": "attention.output.dense",
    "_attention_layer_norm": "attention.output.LayerNorm",
    "_intermediate_dense": "intermediate.dense",
    "_output_dense": "output.dense",
    "_output_layer_norm": "output.LayerNorm",
}
# The heads of BertPretrainerV2; its first classification head is the next-sentence one.
_HEADS = {
    "masked_lm/dense/kernel": "cls.predictions.transform.dense.weight",
    "masked_lm/dense/bias": "cls.predictions.transform.dense.bias",
    "masked_lm/layer_norm/gamma": "cls.predictions.transform.LayerNorm.weight",
    "masked_lm/layer_norm/beta": "cls.predictions.transform.LayerNorm.bias",
    "masked_lm/output_bias.Sbias": "cls.predictions.bias",
    "masked_lm/embedding_table": "bert.embeddings.word_embeddings.weight",
    "classification_heads/0/dense/kernel": "cls.seq_relationship.dense.weight",
    "classification_heads/0/dense/bias": "cls.seq_relationship.dense.bias",
    "classification_heads/0/out_proj/kernel": "cls.seq_relationship.weight",
    "classification_heads/0/out_proj/bias": "cls.seq_relationship.bias",
}
_ENDS = {"kernel": "weight", "bias": "bias", "gamma": "weight", "beta": "bias"}


def read_model_garden(path: str | Path, pad_vocabulary: bool = False) -> Checkpoint:
    """Reads an object checkpoint of tf-models-official, heads of `BertPretrainerV2` included.

    Three layouts are known: `Checkpoint(model=BertEncoder)` (the published TF2 checkpoints),
    `Checkpoint(encoder=BertEncoderV2)` and `Checkpoint(model=BertPretrainerV2)`. The inner layer of the
    next-sentence head, which Hugging Face has not, is called `cls.seq_relationship.dense`. The einsum kernels
    (hidden, heads, head size) are folded.

    Args:
        path: The folder, or the checkpoint's prefix in it (`folder/bert_model.ckpt-1`).
        pad_vocabulary: Name spare rows of the word table; see `open_checkpoint`.

    Returns:
        The checkpoint, checked.

    Raises:
        InputError: A file is missing or damaged, or it is no BERT of Model Garden.
    """
    prefix = find_prefix(path)
    folder = prefix.parent
    config = BertConfig.from_json_file(folder / "bert_config.json")
    variables = Variables(prefix)
    names, ignored = _names(variables, config)
    if not names:
        raise InputError(
            f"{prefix}: not a BERT of Model Garden; its first variables are: {shortened(list(ignored), 3)}"
        )
    # An array of a variable's shape that takes no memory shows which shape comes out.
    shapes = {
        target: _hugging_face_layout(name, np.broadcast_to(np.float32(0), variables.shape(name)), config, prefix).shape
        for name, target in names.items()
    }
    check_shapes(shapes, config, str(path))
    tensors: dict[str, np.ndarray] = {}
    for name, target in names.items():
        tensor = _hugging_face_layout(name, variables.read(name), config, prefix)
        if target in tensors and not np.array_equal(tensor, tensors[target]):
            raise InputError(f"{prefix}: {name} is a second {target} with other values")
        tensors[target] = tensor
    checkpoint = Checkpoint(
        config, tensors, str(path), ignored, metadata=describe_heads(tensors), notes=activation_notes(config)
    )
    if "cls.seq_relationship.dense.weight" in tensors:
        checkpoint.notes.append(
            "the next-sentence head has an inner layer of its own, kept as cls.seq_relationship.dense: Model Garden "
            "trains that one in place of the encoder's pooler (pooler='next_sentence' makes it the pooler)"
        )
    note_half_precision(checkpoint, variables)
    add_vocabulary(checkpoint, folder)
    return checkpoint.check(pad_vocabulary)


def _names(variables: Variables, config: BertConfig) -> tuple[dict[str, str], dict[str, str]]:
    """Sorts the file's variables into those of the network, with Hugging Face's names, and others with reasons."""
    names, ignored = {}, {}
    for name in variables:
        if name == OBJECT_GRAPH:
            ignored[name] = "TensorFlow's own list of the objects"
        elif "/.OPTIMIZER_SLOT/" in name or re.match(r"optimizer\b", name):
            ignored[name] = "state of the optimizer"
        elif re.match(r"(save_counter|global_step|step)/", name):
            ignored[name] = "counter of the training"
        else:
            target = _hugging_face_name(name.removesuffix(_VALUE), config)
            if target is None:
                ignored[name] = "not a variable of Model Garden's BERT"
            else:
                names[name] = target
    return names, ignored


def _hugging_face_name(name: str, config: BertConfig) -> str | None:
    for prefix in _HEAD_PREFIXES:
        if name.startswith(prefix) and name[len(prefix) :] in _HEADS:
            return _HEADS[name[len(prefix) :]]
    for prefix in _ENCODER_PREFIXES:
        if name.startswith(prefix):
            target = _encoder_name(_by_attribute(name[len(prefix) :], config))
            if target:
                return f"bert.{target}"
    return None


def _by_attribute(name: str, config: BertConfig) -> str:
    """Turns the numbered layers of a functional model into the attribute names of `BertEncoderV2`."""
    match = re.match(r"layer_with_weights-(\d+)/(.*)", name)
    if not match:
        return name
    number, rest = int(match[1]), match[2]
    first = ("_embedding_layer", "_position_embedding_layer", "_type_embedding_layer", "_embedding_norm_layer")
    if number < len(first):
        return f"{first[number]}/{rest}"
    block = number - len(first)
    if block < config.num_hidden_layers:
        return f"_transformer_layers/{block}/{rest}"
    return f"_pooler_layer/{rest}" if block == config.num_hidden_layers else name


def _encoder_name(name: str) -> str | None:
    if name in _TABLES:
        return _TABLES[name]
    layer, _, end = name.rpartition("/")
    if end not in _ENDS:
        return None
    if layer in _LAYERS:
        return f"{_LAYERS[layer]}.{_ENDS[end]}"
    match = re.fullmatch(r"_transformer_layers/(\d+)/(.+)", layer)
    if match and match[2] in _BLOCK_LAYERS:
        return f"encoder.layer.{match[1]}.{_BLOCK_LAYERS[match[2]]}.{_ENDS[end]}"
    return None


def _hugging_face_layout(name: str, tensor: np.ndarray, config: BertConfig, prefix: Path) -> np.ndarray:
    """Folds the heads into one axis and turns kernels to (out, in)."""
    name = name.removesuffix(_VALUE)
    # (hidden, heads, head size)
    inputs = re.search(r"_(query|key|value)_dense/", name) is not None and tensor.ndim >= 2
    outputs = tensor.ndim == 3 and not inputs  # (heads, head size, hidden)
    if inputs or outputs:
        heads = tensor.shape[-2] if inputs else tensor.shape[0]
        if heads != config.num_attention_heads:
            raise InputError(
                f"{prefix}: {name} has {heads} heads, the config num_attention_heads={config.num_attention_heads}"
            )
        tensor = tensor.reshape(*tensor.shape[:-2], -1) if inputs else tensor.reshape(-1, tensor.shape[-1])
    return tensor.T if name.endswith("/kernel") else tensor
