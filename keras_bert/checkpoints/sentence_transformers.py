"""sentence-transformers' folders: how a vector is made of the hidden states, as their files say.

A folder has `modules.json`, a list of modules with a folder each, and `config_sentence_transformers.json`. Each setting
is read, or named as one that is not known here: what a file says is never passed over in silence.
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from keras_bert.errors import InputError
from keras_bert.foreign_files import inside, read_json, read_json_value

SENTENCE = "sentence_embedding"
"""Where `Checkpoint.extra`, and so `keras_bert.json`, keeps the settings."""

MODULES_FILE = "modules.json"
SETTINGS_FILE = "config_sentence_transformers.json"
OWN_TYPES = "sentence_transformers."
SIMILARITIES = ("cosine", "dot", "euclidean", "manhattan")

# Where the settings of the Transformer module are; older versions named the file after the model.
TRANSFORMER_FILES = ("sentence_bert_config.json", "sentence_distilbert_config.json", "sentence_roberta_config.json")

# Poolings as older files have them, a switch each, in the order in which their results are joined.
POOLING_SWITCHES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
ACTIVATION_CLASSES = {
    "identity": "torch.nn.modules.linear.Identity",
    "tanh": "torch.nn.modules.activation.Tanh",
    "relu": "torch.nn.modules.activation.ReLU",
    "gelu": "torch.nn.modules.activation.GELU",
    "sigmoid": "torch.nn.modules.activation.Sigmoid",
    "silu": "torch.nn.modules.activation.SiLU",
}
_VECTOR = "sentence_embedding"  # the library's name of what modules after the pooling read and write
WITH_WEIGHTS = ("Dense", "LayerNorm")

# Settings that have one value here, and those of the libraries underneath that change no vector.
_ONLY = {
    "transformer_task": "feature-extraction",
    "module_output_name": "token_embeddings",
    "model_type": "SentenceTransformer",
    "module_input_name": _VECTOR,
}
_NO_MATTER = {
    "Transformer": ("unpad_inputs",),
    "model_args": ("torch_dtype", "dtype", "attn_implementation", "add_pooling_layer", "trust_remote_code"),
    "tokenizer_args": ("use_fast", "trust_remote_code"),
    "config_args": ("trust_remote_code",),
    "settings": ("__version__", "requirements"),
}
_LIBRARY_SETTINGS = {
    "model_args": "model_args",
    "model_kwargs": "model_args",
    "tokenizer_args": "tokenizer_args",
    "processor_kwargs": "tokenizer_args",
    "config_args": "config_args",
    "config_kwargs": "config_args",
}


class SentenceModule(NamedTuple):
    """An entry of `modules.json`: its folder, relative to that of the file, and its class."""

    path: str
    type: str

    @property
    def kind(self) -> str:
        """The class without its package: `Transformer`, `Pooling`, `Dense`, ..."""
        return self.type.rpartition(".")[2]


@dataclasses.dataclass
class SentenceEmbedding:
    """How the vector of a text is made, in the words of `BertEmbedder`'s arguments.

    Attributes:
        settings: `pooling`, `include_prompt`, `modules`, `normalize`, `prompts`, `default_prompt`, `similarity`,
            `truncate_dim`, and `max_length` where the files say it.
        refused: What the files ask for and nobody here can do: the argument that would take its place → in words.
        lowercase: Text is lower-cased, whatever the tokenizer does of itself.
        notes: What had to be decided, one sentence each.
    """

    settings: dict[str, Any]
    refused: dict[str, str] = dataclasses.field(default_factory=dict)
    lowercase: bool = False
    notes: list[str] = dataclasses.field(default_factory=list)


def read_modules(folder: Path) -> list[SentenceModule]:
    """Reads the list of modules of a folder, empty where it is not one of sentence-transformers.

    Raises:
        InputError: The file is damaged, names something outside of its folder, or does not begin with a Transformer.
    """
    path = folder / MODULES_FILE
    if not path.is_file():
        return []
    entries = read_json_value(path)
    try:
        modules = [SentenceModule(str(entry["path"]), str(entry["type"])) for entry in entries]
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: not a list of sentence-transformers modules ({error})") from None
    if not modules or modules[0].kind not in ("Transformer", "BERT"):
        raise InputError(f"{path}: expected a Transformer as the first module")
    for module in modules:
        # A symbolic link leads out as well as a name does; those of a hub's cache are of files, not of folders.
        if not inside(folder, module.path, path).resolve().is_relative_to(folder.resolve()):
            raise InputError(f"{path}: names {module.path!r:.200}, which is a link that leads out of its folder")
    return modules


def read_sentence_embedding(
    folder: Path, modules: Sequence[SentenceModule], hidden_size: int, max_positions: int
) -> SentenceEmbedding | None:
    """Reads all settings of a folder.

    Args:
        folder: The folder of `modules.json`.
        modules: What `read_modules` gave, not empty.
        hidden_size: Of the encoder.
        max_positions: Rows of the encoder's position table.

    Returns:
        The settings; None for a cross-encoder, whose Transformer has a head and makes no vectors.

    Raises:
        InputError: A file is damaged or holds a value that makes no sense.
    """
    found = SentenceEmbedding({"include_prompt": True, "normalize": False})
    fields = _read(folder / SETTINGS_FILE)
    if fields.get("model_type") == "CrossEncoder":
        return None
    _read_settings(found, fields, str(folder / SETTINGS_FILE))
    _read_transformer(found, folder / modules[0].path, max_positions)
    others = [module.kind for module in modules if not module.type.startswith(OWN_TYPES)]
    if others:
        found.refused["modules"] = f"code of the model's own ({', '.join(others)})"
    if len(modules) < 2 or modules[1].kind != "Pooling":
        found.refused["pooling"] = "no Pooling after its Transformer"
    after: list[dict[str, Any]] = []
    for index, module in enumerate(modules[1:], start=1):
        path = folder / module.path / "config.json"
        if not module.type.startswith(OWN_TYPES):
            continue
        if module.kind == "Pooling" and index == 1:
            _read_pooling(found, path, hidden_size)
        elif module.kind in WITH_WEIGHTS and not path.is_file():
            found.refused["modules"] = f"{module.path}, which lacks its files"
        elif module.kind in _READERS:
            after.append(_READERS[module.kind](found, _read(path), path))
        else:
            found.refused["modules"] = f"the module {module.kind}"
    if after and after[-1] == {"kind": "Normalize"}:
        found.settings["normalize"] = True
        after.pop()
    found.settings["modules"] = after
    return found


def _read(path: Path) -> dict[str, Any]:
    return read_json(path) or {}


def _refuse(found: SentenceEmbedding, name: str, value: Any, path: Path | str) -> None:
    """Notes a setting that is not known, unless it is switched off."""
    if value not in (None, False, "", [], {}) and value != _ONLY.get(name):
        found.refused[name] = f"{name}={json.dumps(value):.80} in {Path(path).name}"


def _read_settings(found: SentenceEmbedding, fields: dict[str, Any], path: str) -> None:
    """Reads `config_sentence_transformers.json`."""
    prompts = fields.pop("prompts", None) or {}
    if not isinstance(prompts, dict) or not all(isinstance(text, str | None) for text in prompts.values()):
        raise InputError(f"{path}: prompts must be texts by name, received: {prompts!r:.80}")
    prompts = {str(name): text or "" for name, text in prompts.items()}
    default = fields.pop("default_prompt_name", None)
    # Of these two names the library knows without being told, as prompts of nothing.
    if default in ("query", "document"):
        prompts.setdefault(default, "")
    if default is not None and default not in prompts:
        raise InputError(f"{path}: default_prompt_name is {default!r}; its prompts are: {', '.join(prompts) or 'none'}")
    similarity = fields.pop("similarity_fn_name", None) or "cosine"
    if similarity not in SIMILARITIES:
        found.refused["similarity"] = f"similarity_fn_name={similarity!r:.80}"
    size = fields.pop("truncate_dim", None)
    if size is not None and (not isinstance(size, int) or size < 1):
        raise InputError(f"{path}: truncate_dim is {size!r}; expected a positive number")
    found.settings |= {"prompts": prompts, "default_prompt": default, "similarity": similarity, "truncate_dim": size}
    for name, value in fields.items():
        if name not in _NO_MATTER["settings"]:
            _refuse(found, name, value, path)


def _read_transformer(found: SentenceEmbedding, folder: Path, max_positions: int) -> None:
    """Reads the settings of the Transformer module, and what its tokenizer says of its longest input."""
    path = next((folder / name for name in TRANSFORMER_FILES if (folder / name).is_file()), folder / "none")
    fields, tokenizer = _read(path), _read(folder / "tokenizer_config.json")
    length = fields.pop("max_seq_length", None)
    found.lowercase = bool(fields.pop("do_lower_case", False))
    for name, value in fields.items():
        if name in _LIBRARY_SETTINGS and isinstance(value, dict):
            group = _LIBRARY_SETTINGS[name]
            if group == "tokenizer_args" and length is None:
                length = value.pop("model_max_length", None)
            for inner, setting in value.items():
                if inner not in _NO_MATTER[group]:
                    _refuse(found, inner, setting, path)
        elif name == "modality_config" and isinstance(value, dict):
            text = value.get("text")
            if text not in (None, {"method": "forward", "method_output_name": "last_hidden_state"}):
                _refuse(found, name, value, path)
        elif name not in _NO_MATTER["Transformer"]:
            _refuse(found, name, value, path)
    for name in ("padding_side", "truncation_side"):
        if tokenizer.get(name, "right") != "right":
            found.refused[name] = f"{name}={tokenizer[name]!r} of its tokenizer"
    if length is None:  # newer versions leave it to the tokenizer, which may have a number that means "any"
        length = tokenizer.get("model_max_length")
        length = length if isinstance(length, int | float) and 0 < length <= max_positions else None
    if length is None:
        return
    if not isinstance(length, int) or length < 1:
        raise InputError(f"{path}: max_seq_length is {length!r}; expected a positive number")
    if length > max_positions:
        found.notes.append(f"max_seq_length={length} is more than there are positions; {max_positions} is taken")
    found.settings["max_length"] = min(length, max_positions)


def _read_pooling(found: SentenceEmbedding, path: Path, hidden_size: int) -> None:
    fields = _read(path)
    size = fields.pop("embedding_dimension", fields.pop("word_embedding_dimension", None))
    found.settings["include_prompt"] = fields.pop("include_prompt", True) is not False
    switches = [mode for name, mode in POOLING_SWITCHES.items() if fields.pop(name, False)]
    modes = fields.pop("pooling_mode", switches or "mean")
    modes = modes if isinstance(modes, list) and modes else [modes]
    if size is None:
        found.refused["pooling"] = f"no settings in {path.parent.name}/{path.name}"
    elif size != hidden_size:
        raise InputError(f"{path}: word_embedding_dimension is {size!r}; the encoder's hidden_size is {hidden_size}")
    elif unknown := [mode for mode in modes if mode not in POOLING_SWITCHES.values()]:
        found.refused["pooling"] = f"the pooling {str(unknown[0])!r:.80}"
    else:
        found.settings["pooling"] = list(modes)
    for name, value in fields.items():
        _refuse(found, name, value, path)


def _read_dense(found: SentenceEmbedding, fields: dict[str, Any], path: Path) -> dict[str, Any]:
    units, bias = fields.pop("out_features", None), fields.pop("bias", True)
    if not isinstance(units, int) or units < 1:
        raise InputError(f"{path}: out_features is {units!r}; expected a positive number")
    told = str(fields.pop("activation_function", ACTIVATION_CLASSES["tanh"]))
    by_class = {name.rpartition(".")[2]: activation for activation, name in ACTIVATION_CLASSES.items()}
    activation = by_class.get(told.rpartition(".")[2]) if told.startswith("torch.") else None
    if activation is None:
        found.refused["activation_function"] = f"the activation {told!r:.80}"
    fields.pop("in_features", None)  # the size of what comes before
    residual = fields.pop("use_residual", False)
    _check_names(found, fields, path)
    return {
        "kind": "Dense",
        "units": units,
        "activation": activation or "tanh",
        "use_bias": bool(bias),
        "use_residual": bool(residual),
    }


def _read_layer_norm(found: SentenceEmbedding, fields: dict[str, Any], path: Path) -> dict[str, Any]:
    fields.pop("dimension", None)
    _check_names(found, fields, path)
    return {"kind": "LayerNorm"}


def _read_dropout(found: SentenceEmbedding, fields: dict[str, Any], path: Path) -> dict[str, Any]:
    rate = fields.pop("dropout", 0.2)
    if not isinstance(rate, int | float) or not 0 <= rate < 1:
        raise InputError(f"{path}: dropout is {rate!r}; expected a number from 0 to 1")
    _check_names(found, fields, path)
    return {"kind": "Dropout", "rate": float(rate)}


def _read_normalize(found: SentenceEmbedding, fields: dict[str, Any], path: Path) -> dict[str, Any]:
    _check_names(found, fields, path)
    return {"kind": "Normalize"}


def _check_names(found: SentenceEmbedding, fields: dict[str, Any], path: Path) -> None:
    """Notes what is left over; a module may say that it reads and writes the vector, as they all do here."""
    for name, value in fields.items():
        if name != "module_output_name" or value != _VECTOR:
            _refuse(found, name, value, path)


_READERS = {
    "Dense": _read_dense,
    "LayerNorm": _read_layer_norm,
    "Dropout": _read_dropout,
    "Normalize": _read_normalize,
}
