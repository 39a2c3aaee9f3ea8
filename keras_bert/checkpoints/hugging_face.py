"""Hugging Face folders: `config.json`, `model.safetensors`, the tokenizer's files."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.heads import OWN_SEQUENCES
from keras_bert.checkpoints.names import WORD_EMBEDDINGS
from keras_bert.checkpoints.pytorch_names import canonical_names
from keras_bert.checkpoints.sentence_transformers import (
    OWN_TYPES,
    SENTENCE,
    WITH_WEIGHTS,
    SentenceModule,
    read_modules,
    read_sentence_embedding,
)
from keras_bert.checkpoints.shapes import check_shapes, shortened
from keras_bert.checkpoints.tokenizer_files import read_tokenizer_files
from keras_bert.checkpoints.unilm import separate_projections
from keras_bert.checkpoints.weight_files import StoredTensor, find_weight_files, read_weights
from keras_bert.config import BertConfig
from keras_bert.errors import InputError
from keras_bert.foreign_files import read_json
from keras_bert.kinds import check_kinds

# What keras_bert writes for an architecture that transformers' BERT would run wrongly (pre-LN, sinusoids).
OWN_MODEL_TYPE = "keras_bert"
# Fields of a config that transformers' BERT does not have.
OWN_FIELDS = ("norm_first", "position_embedding_type", "attention_head_size")
DECODER_WEIGHT = "cls.predictions.decoder.weight"
DECODER_BIAS = "cls.predictions.decoder.bias"
OUTPUT_BIAS = "cls.predictions.bias"
GENERATION_CONFIG = "generation_config.json"
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

    Example:
        >>> keras_bert.BertEmbedder.from_preset("minilm").save_preset("model")
        >>> read_hugging_face("model").config.num_hidden_layers
        6
    """
    checkpoint = describe_hugging_face(path, pad_vocabulary)
    modules = read_modules(Path(path))
    _add_tensors(checkpoint, Path(path) / modules[0].path if modules else Path(path))
    _add_module_tensors(checkpoint, Path(path), modules)
    return checkpoint.check(pad_vocabulary)


def describe_hugging_face(path: str | Path, pad_vocabulary: bool = False) -> Checkpoint:
    """Reads all of a folder but its weights: architecture, tokenizer, and what is kept beside them.

    Args:
        path: The folder.
        pad_vocabulary: Name ids that no token has, between those of others; see `read_tokenizer_files`.

    Raises:
        InputError: As `read_hugging_face`.
    """
    folder = Path(path)
    modules = read_modules(folder)
    transformer = folder / modules[0].path if modules else folder
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
    check_kinds(_metadata, fields, str(transformer / "config.json"))
    checkpoint.extra = read_json(transformer / "keras_bert.json") or {}
    check_kinds(_kept, checkpoint.extra, str(transformer / "keras_bert.json"))
    checkpoint.extra.pop("keras_bert_version", None)
    checkpoint.generation = read_json(transformer / GENERATION_CONFIG) or {}
    tokenizer = read_tokenizer_files(transformer, pad_vocabulary)
    checkpoint.vocabulary, checkpoint.merges = tokenizer.vocabulary, tokenizer.merges
    checkpoint = dataclasses.replace(checkpoint, **tokenizer.settings)
    checkpoint.notes.extend(tokenizer.notes)
    if modules:
        _add_sentence_embedding(checkpoint, folder, modules)
    return checkpoint


def _metadata(architectures: Sequence[str] | str | None) -> None:
    """Takes what is read of `config.json` beside the architecture, for its kinds alone."""


def _kept(
    task: str,
    text_pair: bool,
    pooling: str,
    threshold: float,
    activation: str,
    question: bool,
    attention: str,
    preprocessor: Mapping[str, Any],
    sentence_embedding: Mapping[str, Any],
    tagging: Mapping[str, Any],
    question_answering: Mapping[str, Any],
    generation: Mapping[str, Any],
    masked_lm: Mapping[str, Any],
    rows: Mapping[str, Any],
    card: Mapping[str, Any],
) -> None:
    """Takes what is read of `keras_bert.json`, for its kinds alone; what is in the objects, their owners check."""


def _config(fields: dict[str, Any], path: Path) -> BertConfig:
    model_type = fields.get("model_type", "bert")
    if model_type not in ("bert", "unilm", OWN_MODEL_TYPE):
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
    stored, unilm_notes = separate_projections(stored, checkpoint.source)
    names, notes = canonical_names(list(stored), checkpoint.source)
    checkpoint.notes += unilm_notes + notes
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


def _add_sentence_embedding(checkpoint: Checkpoint, folder: Path, modules: list[SentenceModule]) -> None:
    """Keeps how a vector is made of the hidden states: `extra["sentence_embedding"]`."""
    config = checkpoint.config
    found = read_sentence_embedding(folder, modules, config.hidden_size, config.max_position_embeddings)
    if found is None:
        return
    if found.lowercase and not checkpoint.lowercase:
        # The library lower-cases before a tokenizer that does not, which then strips accents only if it says so.
        checkpoint.lowercase, checkpoint.strip_accents = True, bool(checkpoint.strip_accents)
        found.notes.append("text is lower-cased: do_lower_case of sentence-transformers, though the tokenizer does not")
    checkpoint.notes.extend(found.notes)
    for setting, reason in found.refused.items():
        checkpoint.ignored[f"sentence-transformers' {setting}"] = f"not known here: {reason}"
    # What keras_bert.json says of the training stays.
    saved = {name: value for name, value in checkpoint.extra.get(SENTENCE, {}).items() if name != "refused"}
    refused = {"refused": found.refused} if found.refused else {}
    checkpoint.extra[SENTENCE] = {**saved, **found.settings, **refused}


def _add_module_tensors(checkpoint: Checkpoint, folder: Path, modules: list[SentenceModule]) -> None:
    """Reads the weights of sentence-transformers' modules, under names such as `2_Dense/linear.weight`."""
    settings = checkpoint.extra.get(SENTENCE)
    for index, module in enumerate(modules[1:], start=1):
        if settings is None or module.kind not in WITH_WEIGHTS or not module.type.startswith(OWN_TYPES):
            continue
        inner = folder / module.path
        if not any(inner.glob("*.safetensors*")) and not any(inner.glob("*.bin*")):
            reason = f"{module.path}, which lacks its weights"
            settings["refused"] = {"modules": reason, **settings.get("refused", {})}
            checkpoint.ignored.setdefault("sentence-transformers' modules", f"not known here: {reason}")
            continue
        for file in find_weight_files(inner):
            for stored in read_weights(file):
                if stored.dtype not in _FLOATS:
                    raise InputError(f"{file}: {stored.name} is {stored.dtype}, expected floating-point weights")
                name = f"{index}_{module.kind}/{stored.name}"
                checkpoint.tensors[name] = np.ascontiguousarray(stored.read(), dtype=np.float32)


def hugging_face_fields(config: BertConfig, metadata: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields of `config.json` for a config.

    Fields that came from a `config.json` and still mean the same go out as they came. An architecture or a head that
    transformers' BERT would run wrongly gets a `model_type` of its own, which transformers refuses.

    Args:
        config: The architecture.
        metadata: All other fields; where they hold the architecture too, `config` rules.

    Returns:
        The fields, sorted by name.
    """
    own = config.norm_first or config.position_embedding_type != "absolute" or config.attention_head_size is not None
    own = own or OWN_SEQUENCES in (metadata.get("architectures") or ())
    fields = {**metadata, "model_type": OWN_MODEL_TYPE if own else "bert"}
    unchanged = "hidden_size" in metadata and BertConfig.from_dict(metadata) == config
    if not unchanged:
        defaults = BertConfig()
        for name, value in dataclasses.asdict(config).items():
            # Fields that transformers' BERT does not have are only written where they matter.
            if name not in OWN_FIELDS or value != getattr(defaults, name):
                fields[name] = value
            else:
                fields.pop(name, None)
    return dict(sorted(fields.items()))
