"""Hugging Face folders: `config.json`, `model.safetensors`, the tokenizer's files."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.names import WORD_EMBEDDINGS
from keras_bert.checkpoints.pytorch_names import canonical_names
from keras_bert.checkpoints.shapes import check_shapes, shortened
from keras_bert.checkpoints.tokenizer_files import read_tokenizer_files
from keras_bert.checkpoints.weight_files import StoredTensor, find_weight_files, read_weights
from keras_bert.config import BertConfig
from keras_bert.errors import InputError
from keras_bert.foreign_files import inside, read_json, read_json_value

# What keras_bert writes for an architecture that transformers' BERT would run wrongly (pre-LN, sinusoids).
OWN_MODEL_TYPE = "keras_bert"
DECODER_WEIGHT = "cls.predictions.decoder.weight"
DECODER_BIAS = "cls.predictions.decoder.bias"
OUTPUT_BIAS = "cls.predictions.bias"
_BUFFERS = ("embeddings.position_ids", "embeddings.token_type_ids")
_FLOATS = ("float16", "bfloat16", "float32", "float64")


def read_hugging_face(path: str | Path, pad_vocabulary: bool = False) -> Checkpoint:
    """Reads a folder that transformers, sentence-transformers or keras_bert wrote, head included.

    Names with and without the prefix `bert.` are known, and the old `LayerNorm.gamma` and `.beta`. Buffers of
    positions are passed over. Half precision becomes float32.

    Args:
        path: The folder.
        pad_vocabulary: Name spare rows of the word table; see `open_checkpoint`.

    Returns:
        The checkpoint, checked.

    Raises:
        InputError: A file is missing, truncated or damaged, or it is not a BERT that this encoder can follow.
    """
    checkpoint = describe_hugging_face(path)
    modules = _modules(Path(path))
    _add_tensors(checkpoint, Path(path) / modules[0]["path"] if modules else Path(path))
    return checkpoint.check(pad_vocabulary)


def describe_hugging_face(path: str | Path) -> Checkpoint:
    """Reads all of a folder but its weights: architecture, tokenizer, and what is kept beside them.

    Raises:
        InputError: As `read_hugging_face`.
    """
    folder = Path(path)
    modules = _modules(folder)
    transformer = folder / modules[0]["path"] if modules else folder
    fields = read_json(transformer / "config.json")
    if fields is None and (transformer / "bert_config.json").is_file():
        raise InputError(
            f"{transformer}: bert_config.json beside PyTorch's weights, a folder from before transformers "
            '(pytorch-pretrained-bert); rename bert_config.json to config.json, where "gelu" means the exact form'
        )
    if fields is None:
        raise InputError(f"{transformer}: no config.json there; a Hugging Face checkpoint has its config in it")
    checkpoint = Checkpoint(_config(fields, transformer / "config.json"), {}, str(path))
    if "model_type" not in fields:
        checkpoint.notes.append('config.json has no model_type; read as a BERT, hidden_act "gelu" as the exact form')
    checkpoint.metadata = {name: value for name, value in fields.items() if name != "model_type"}
    checkpoint.extra = read_json(transformer / "keras_bert.json") or {}
    checkpoint.extra.pop("keras_bert_version", None)
    _add_sentence_modules(checkpoint, folder, modules)
    tokenizer = read_tokenizer_files(transformer)
    checkpoint.vocabulary, checkpoint.merges = tokenizer.vocabulary, tokenizer.merges
    checkpoint = dataclasses.replace(checkpoint, **tokenizer.settings)
    checkpoint.notes.extend(tokenizer.notes)
    return checkpoint


def _config(fields: dict[str, Any], path: Path) -> BertConfig:
    model_type = fields.get("model_type", "bert")
    if model_type not in ("bert", OWN_MODEL_TYPE):
        raise InputError(f"{path}: model_type is {model_type!r}; keras_bert reads 'bert' only")
    if fields.get("add_cross_attention"):
        raise InputError(
            f"{path}: add_cross_attention is true; blocks that attend to an encoder of their own are not built here"
        )
    try:
        # Which tokens see which is no matter of the weights: the task that opens them looks at `is_decoder`.
        return BertConfig.from_dict({name: value for name, value in fields.items() if name != "is_decoder"})
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _add_tensors(checkpoint: Checkpoint, folder: Path) -> None:
    """Reads the weights under today's names; shapes are compared before numbers are read."""
    stored: dict[str, StoredTensor] = {}
    halves = []
    for path in find_weight_files(folder):
        for tensor in read_weights(path):
            if tensor.name.endswith(_BUFFERS):
                checkpoint.ignored[tensor.name] = "a buffer that counts positions, no weight"
            elif tensor.dtype not in _FLOATS:
                raise InputError(f"{path}: {tensor.name} is {tensor.dtype}, expected floating-point weights")
            elif tensor.name in stored:
                raise InputError(f"{path}: {tensor.name} is in another file of the folder as well")
            else:
                stored[tensor.name] = tensor
                if tensor.dtype != "float32":
                    halves.append(f"{tensor.name} ({tensor.dtype})")
    names, notes = canonical_names(list(stored), checkpoint.source)
    checkpoint.notes += notes
    _pass_over_tied_copies(checkpoint, names, stored)
    shapes = {name: stored[own].shape for name, own in names.items()}
    check_shapes(shapes, checkpoint.config, checkpoint.source)
    for name, own in names.items():
        checkpoint.tensors[name] = np.ascontiguousarray(stored[own].read(), dtype=np.float32)
    if halves:
        checkpoint.notes.append(f"{len(halves)} tensors became float32: {shortened(halves, 1)}")
        for field in ("dtype", "torch_dtype"):
            if field in checkpoint.metadata:
                checkpoint.metadata[field] = "float32"


def _pass_over_tied_copies(checkpoint: Checkpoint, names: dict[str, str], stored: dict[str, StoredTensor]) -> None:
    """Takes out of `names` what older files store a second time: the tied output matrix and its bias.

    transformers ties them when it loads the model, so that what the file has under the second name does not count,
    equal or not; unless `tie_word_embeddings` is false, then the matrix is one of its own.
    """
    if DECODER_BIAS in names and OUTPUT_BIAS not in names:
        names[OUTPUT_BIAS] = names.pop(DECODER_BIAS)
        checkpoint.notes.append(f"{DECODER_BIAS} is the output bias, {OUTPUT_BIAS}, which the file has not")
    tied = checkpoint.metadata.get("tie_word_embeddings", True) is not False
    for copy, original in ((DECODER_WEIGHT, WORD_EMBEDDINGS), (DECODER_BIAS, OUTPUT_BIAS)):
        if copy not in names or original not in names:
            continue
        first, second = stored[names[original]], stored[names[copy]]
        equal = first.shape == second.shape and np.array_equal(first.read(), second.read())
        if equal:
            checkpoint.ignored[names.pop(copy)] = f"a copy of {original}"
        elif tied or copy == DECODER_BIAS:
            reason = f"other values than {original}, to which transformers ties it"
            checkpoint.ignored[names.pop(copy)] = reason
            checkpoint.notes.append(f"{copy} was passed over: {reason}")


def _modules(folder: Path) -> list[dict[str, str]]:
    """Reads the list of modules of a sentence-transformers folder, empty for any other."""
    path = folder / "modules.json"
    if not path.is_file():
        return []
    modules = read_json_value(path)
    try:
        modules = [{"path": str(module["path"]), "type": str(module["type"])} for module in modules]
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: not a list of sentence-transformers modules ({error})") from None
    for module in modules:
        inside(folder, module["path"], path)
    if not modules or not modules[0]["type"].endswith(".Transformer"):
        raise InputError(f"{path}: expected a Transformer as the first module")
    return modules


def _add_sentence_modules(checkpoint: Checkpoint, folder: Path, modules: list[dict[str, str]]) -> None:
    """Keeps how a sentence embedding is made of the hidden states: `extra["sentence_embedding"]`."""
    if not modules:
        return
    embedding: dict[str, Any] = {"normalize": False}
    for module in modules[1:]:
        kind, settings = module["type"].rpartition(".")[2], folder / module["path"] / "config.json"
        if kind == "Pooling":
            embedding["pooling"] = _pooling_modes(read_json(settings) or {})
        elif kind == "Normalize":
            embedding["normalize"] = True
        else:
            checkpoint.ignored[module["path"]] = f"a sentence-transformers module of the kind {kind}"
            embedding.setdefault("left_out", []).append(kind)
    length = (read_json(folder / "sentence_bert_config.json") or {}).get("max_seq_length")
    if length is None:  # newer versions leave it to the tokenizer, which may have a number that means "any"
        length = (read_json(folder / modules[0]["path"] / "tokenizer_config.json") or {}).get("model_max_length")
        length = length if length and length <= checkpoint.config.max_position_embeddings else None
    if length:
        embedding["max_length"] = length
    # What keras_bert.json says of the training stays.
    checkpoint.extra["sentence_embedding"] = {**checkpoint.extra.get("sentence_embedding", {}), **embedding}


def _pooling_modes(fields: dict[str, Any]) -> list[str]:
    """Returns what a Pooling module does, in the words of its older files: `mean_tokens`, `cls_token`, ..."""
    modes = fields.get("pooling_mode")  # newer versions; before, there was a switch for each
    if modes is not None:
        older = {"cls": "cls_token", "mean": "mean_tokens", "max": "max_tokens"}
        return [older.get(mode, mode) for mode in ([modes] if isinstance(modes, str) else modes)]
    on = [name for name, value in fields.items() if value is True and name.startswith("pooling_mode_")]
    return [name.removeprefix("pooling_mode_") for name in on]


def hugging_face_fields(config: BertConfig, metadata: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields of `config.json` for a config.

    Fields that came from a `config.json` and still mean the same go out as they came. An architecture that
    transformers' BERT would run wrongly gets a `model_type` of its own, which transformers refuses.

    Args:
        config: The architecture.
        metadata: All other fields; where they hold the architecture too, `config` rules.

    Returns:
        The fields, sorted by name.
    """
    own = config.norm_first or config.position_embedding_type != "absolute"
    fields = {**metadata, "model_type": OWN_MODEL_TYPE if own else "bert"}
    unchanged = "hidden_size" in metadata and BertConfig.from_dict(metadata) == config
    if not unchanged:
        defaults = BertConfig()
        for name, value in dataclasses.asdict(config).items():
            # These two are no fields of transformers' BERT, so they are only written where they matter.
            if name not in ("norm_first", "position_embedding_type") or value != getattr(defaults, name):
                fields[name] = value
            else:
                fields.pop(name, None)
    return dict(sorted(fields.items()))
