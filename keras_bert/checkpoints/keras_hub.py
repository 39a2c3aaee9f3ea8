"""KerasHub presets: `config.json`, `model.weights.h5`, `task.weights.h5`, `tokenizer.json`, `assets/`."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.hdf5_file import StoredArray, list_arrays
from keras_bert.checkpoints.heads import describe_heads
from keras_bert.checkpoints.shapes import check_shapes, shortened
from keras_bert.config import BertConfig
from keras_bert.errors import InputError
from keras_bert.foreign_files import read_json
from keras_bert.text.vocabulary import load_vocabulary

BACKBONE = "BertBackbone"

# Layers in `model.weights.h5`. A file names a layer by its class and numbers equal classes in the order of the
# model: the first `transformer_encoder` has no number. Keras before 3.6 wrote some attributes with another
# spelling, hence the optional underscores.
_LAYERS = {
    r"reversible_embedding": "embeddings.word_embeddings",
    r"position_embedding": "embeddings.position_embeddings",
    r"embedding": "embeddings.token_type_embeddings",
    r"layer_normalization": "embeddings.LayerNorm",
    r"dense": "pooler.dense",
}
_BLOCK_LAYERS = {
    r"_self_attention_layer/_?query_dense": "attention.self.query",
    r"_self_attention_layer/_?key_dense": "attention.self.key",
    r"_self_attention_layer/_?value_dense": "attention.self.value",
    r"_self_attention_layer/_?output_dense": "attention.output.dense",
    r"_self_attention_layer_?norm": "attention.output.LayerNorm",
    r"_feedforward_intermediate_dense": "intermediate.dense",
    r"_feedforward_output_dense": "output.dense",
    r"_feedforward_layer_?norm": "output.LayerNorm",
}
# Heads in `task.weights.h5`: BertMaskedLM, BertTextClassifier.
_HEADS = {
    "masked_lm_head/_intermediate_dense": "cls.predictions.transform.dense",
    "masked_lm_head/_intermediate_layer_norm": "cls.predictions.transform.LayerNorm",
    "dense": "classifier",
}
# BertMaskedLM builds its head with these, other than BERT's own (keras-hub, bert_masked_lm.py and
# masked_lm_head.py): the exact GELU, and the default epsilon of MaskedLMHead.
_MASKED_LM_SETTINGS = {"hidden_act": "gelu", "layer_norm_eps": 1e-5}


def read_keras_hub(path: str | Path, pad_vocabulary: bool = False) -> Checkpoint:
    """Reads a preset folder that KerasHub wrote, the head of `BertMaskedLM` and `BertTextClassifier` included.

    KerasHub's BERT has the tanh GELU and a LayerNorm epsilon of 1e-12, which its config does not say. The
    masked-word head has others: they are in `extra["masked_lm"]`.

    Args:
        path: The folder.
        pad_vocabulary: Name spare rows of the word table; see `open_checkpoint`.

    Returns:
        The checkpoint, checked.

    Raises:
        InputError: A file is missing, truncated or damaged, or it is the preset of another model.
    """
    folder = Path(path)
    checkpoint = describe_keras_hub(folder)
    _add_backbone(checkpoint, folder)
    _add_head(checkpoint, folder)
    checkpoint.metadata = describe_heads(checkpoint.tensors)
    checkpoint.notes.append("hidden_act=gelu_new, layer_norm_eps=1e-12: what KerasHub's BertBackbone is built with")
    return checkpoint.check(pad_vocabulary)


def describe_keras_hub(path: str | Path) -> Checkpoint:
    """Reads the architecture and the tokenizer of a preset, and no weights.

    Raises:
        InputError: As `read_keras_hub`.
    """
    folder = Path(path)
    fields = read_json(folder / "config.json")
    if fields is None:
        raise InputError(f"{folder}: no config.json there; a KerasHub preset has its config in it")
    checkpoint = Checkpoint(_config(fields, folder / "config.json"), {}, str(path))
    _add_tokenizer(checkpoint, folder)
    return checkpoint


def _config(fields: dict[str, Any], path: Path) -> BertConfig:
    name = fields.get("class_name")
    if name != BACKBONE:
        raise InputError(f"{path}: the preset of a {name}; keras_bert reads {BACKBONE} only")
    sizes = fields.get("config") or {}
    if not isinstance(sizes, dict):
        raise InputError(f"{path}: its config is {sizes!r:.80}, expected an object")
    try:
        return BertConfig(
            vocab_size=sizes["vocabulary_size"],
            hidden_size=sizes["hidden_dim"],
            num_hidden_layers=sizes["num_layers"],
            num_attention_heads=sizes["num_heads"],
            intermediate_size=sizes["intermediate_dim"],
            hidden_act="gelu_new",
            hidden_dropout_prob=sizes.get("dropout", 0.1),
            attention_probs_dropout_prob=sizes.get("dropout", 0.1),
            max_position_embeddings=sizes.get("max_sequence_length", 512),
            type_vocab_size=sizes.get("num_segments", 2),
        )
    except KeyError as error:
        raise InputError(f"{path}: no {error.args[0]!r} in its config") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _arrays(path: Path) -> dict[str, StoredArray]:
    """Lists the arrays of a Keras weights file by their path below `layers/`, others by their whole path."""
    return {re.sub(r"^(layers|_layer_checkpoint_dependencies)/", "", array.name): array for array in list_arrays(path)}


def _add_backbone(checkpoint: Checkpoint, folder: Path) -> None:
    path = folder / "model.weights.h5"
    if not path.is_file():
        sharded = " (sharded weights are not read)" if (folder / "model.weights.json").is_file() else ""
        raise InputError(f"{folder}: no model.weights.h5 there{sharded}")
    unknown = []
    found: dict[str, StoredArray] = {}
    for name, array in _arrays(path).items():
        layer, _, index = name.rpartition("/vars/")
        target = _backbone_name(layer)
        if target is None or index not in ("0", "1"):
            unknown.append(name)
        else:
            found[_weight_name(target, index)] = array
    if unknown:
        raise InputError(f"{path}: not the weights of a {BACKBONE}: {shortened(unknown)}")
    heads = checkpoint.config.num_attention_heads
    # An array of this shape that takes no memory shows which one comes out.
    shapes = {
        name: _hugging_face_layout(name, np.broadcast_to(np.float32(0), array.shape), heads, array).shape
        for name, array in found.items()
    }
    check_shapes(shapes, checkpoint.config, checkpoint.source)
    for name, array in found.items():
        _add(checkpoint, name, array)


def _weight_name(layer: str, index: str) -> str:
    return f"{layer}.{'weight' if index == '0' else 'bias'}"


def _backbone_name(layer: str) -> str | None:
    for pattern, target in _LAYERS.items():
        if layer == pattern:
            return f"bert.{target}"
    match = re.fullmatch(r"transformer_encoder(?:_(\d{1,9}))?/(.+)", layer)
    if match:
        for pattern, target in _BLOCK_LAYERS.items():
            if re.fullmatch(pattern, match[2]):
                return f"bert.encoder.layer.{int(match[1] or 0)}.{target}"
    return None


def _add(checkpoint: Checkpoint, name: str, stored: StoredArray) -> None:
    """Reads a variable and adds it under Hugging Face's name and in its layout."""
    array = _hugging_face_layout(name, stored.read(), checkpoint.config.num_attention_heads, stored)
    if array.dtype != np.float32:
        checkpoint.notes.append(f"{stored.path}, {stored.name}: {array.dtype} became float32")
    checkpoint.tensors[name] = np.ascontiguousarray(array, dtype=np.float32)


def _hugging_face_layout(name: str, array: np.ndarray, num_heads: int, stored: StoredArray) -> np.ndarray:
    """Folds the heads into one axis and turns kernels to (out, in)."""
    heads = None
    if re.search(r"\.(query|key|value)\.", name) and array.ndim >= 2:
        heads = array.shape[-2]
        array = array.reshape(*array.shape[:-2], -1)  # (hidden, heads, head size) and (heads, head size)
    elif array.ndim == 3:
        heads = array.shape[0]
        array = array.reshape(-1, array.shape[-1])  # (heads, head size, hidden)
    if heads not in (None, num_heads):
        raise InputError(f"{stored.path}, {stored.name}: {heads} heads, the config has num_heads={num_heads}")
    return array.T if array.ndim == 2 and "embeddings." not in name else array


def _add_head(checkpoint: Checkpoint, folder: Path) -> None:
    path = folder / "task.weights.h5"
    if not path.is_file():
        return
    task = str((read_json(folder / "task.json") or {}).get("class_name", "another task"))
    for name, array in _arrays(path).items():
        layer, _, index = name.rpartition("/vars/")
        if name == "masked_lm_head/vars/0" and task == "BertMaskedLM":
            _add(checkpoint, "cls.predictions.bias", array)
            checkpoint.extra["masked_lm"] = dict(_MASKED_LM_SETTINGS)
            checkpoint.notes.append(
                "the masked-word head has the exact GELU and a LayerNorm epsilon of 1e-5, other than the encoder"
            )
        elif layer in _HEADS and index in ("0", "1") and task in ("BertMaskedLM", "BertTextClassifier"):
            _add(checkpoint, _weight_name(_HEADS[layer], index), array)
        elif name.startswith("optimizer/"):
            checkpoint.ignored[f"{path.name}/{name}"] = "state of the optimizer"
        else:
            checkpoint.ignored[f"{path.name}/{name}"] = f"a weight of {task}, of which keras_bert has no head"


def _add_tokenizer(checkpoint: Checkpoint, folder: Path) -> None:
    path = folder / "tokenizer.json"
    fields = read_json(path)
    assets = [
        vocabulary
        for vocabulary in (folder / "assets/tokenizer/vocabulary.txt", folder / "assets/vocabulary.txt")
        if vocabulary.is_file()
    ]
    if fields is None or not assets:
        checkpoint.notes.append("no tokenizer.json with assets/tokenizer/vocabulary.txt, so no tokenizer")
        return
    settings = fields.get("config") or {}
    if not isinstance(settings, dict):
        raise InputError(f"{path}: its config is {settings!r:.80}, expected an object")
    required = {"split": True, "split_on_cjk": True, "suffix_indicator": "##", "oov_token": "[UNK]"}
    for field, expected in required.items():
        if settings.get(field, expected) != expected:
            raise InputError(f"{path}: {field} is {settings[field]!r}; keras_bert has {expected!r} only")
    checkpoint.vocabulary = load_vocabulary(assets[0])
    # The defaults are those of keras_hub.models.BertTokenizer.
    checkpoint.lowercase = bool(settings.get("lowercase", False))
    checkpoint.strip_accents = bool(settings.get("strip_accents", False))
