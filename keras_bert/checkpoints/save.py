"""Writes a model as a Hugging Face folder."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save_file

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.heads import describe_heads
from keras_bert.checkpoints.hugging_face import GENERATION_CONFIG, hugging_face_fields
from keras_bert.checkpoints.mapping import Weight
from keras_bert.checkpoints.names import PREFIX
from keras_bert.checkpoints.sentence_transformers import SENTENCE
from keras_bert.checkpoints.sentence_transformers_files import sentence_transformers_files
from keras_bert.checkpoints.tokenizer_files import write_tokenizer_files
from keras_bert.config import BertConfig
from keras_bert.escaping import to_json
from keras_bert.files import atomic_folder
from keras_bert.version import __version__

if TYPE_CHECKING:
    from keras_bert.text.token_layer import TokenLayer


def save_hugging_face(
    folder: str | Path,
    config: BertConfig,
    weights: Iterable[Weight],
    metadata: Mapping[str, Any],
    tokenizer: "TokenLayer | None" = None,
    extra: Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> Path:
    """Writes `config.json`, `model.safetensors`, `keras_bert.json` and the files of the tokenizer.

    transformers opens the folder, with the head that `metadata["architectures"]` names. The folder appears
    whole or not at all; see `keras_bert.files.atomic_folder`.

    Args:
        folder: Where to write.
        config: The architecture.
        weights: The weights of the model, encoder and head.
        metadata: All other fields of `config.json`: `architectures`, `id2label`, `problem_type`, ...
        tokenizer: The tokenizer; None leaves its files out (see `write_tokenizer_files`).
        extra: What goes into `keras_bert.json`, anything that JSON can hold.
        files: Name → content of text files to put beside, such as a model card; `folder/name` makes the folder.
        overwrite: Replace a folder that holds something.

    Returns:
        The folder.

    Raises:
        InputError: The folder holds something and `overwrite` is False, or the disk is full; what was there
            before is unchanged.
    """
    with atomic_folder(folder, overwrite) as temporary:
        write_hugging_face_files(
            temporary,
            config,
            {weight.name: weight.read() for weight in weights},
            metadata,
            tokenizer.get_vocabulary() if tokenizer else None,
            tokenizer.settings if tokenizer else {},
            extra or {},
            tokenizer.get_merges() if tokenizer else None,
        )
        for name, content in (files or {}).items():
            (temporary / name).parent.mkdir(exist_ok=True)
            (temporary / name).write_text(content, encoding="utf-8")
    return Path(folder)


def save_checkpoint(folder: str | Path, checkpoint: Checkpoint, overwrite: bool = False) -> Path:
    """Writes an opened checkpoint as a Hugging Face folder: its tensors as they are, and all that it says of itself.

    Args:
        folder: Where to write.
        checkpoint: The checkpoint.
        overwrite: Replace a folder that holds something.

    Returns:
        The folder.

    Raises:
        InputError: As for `save_hugging_face`.
    """
    with atomic_folder(folder, overwrite) as temporary:
        write_hugging_face_files(
            temporary,
            checkpoint.config,
            checkpoint.tensors,
            checkpoint.metadata,
            checkpoint.vocabulary,
            checkpoint.tokenizer_settings,
            checkpoint.extra,
            checkpoint.merges,
        )
        if checkpoint.generation:
            text = to_json(checkpoint.generation, indent=2) + "\n"
            (temporary / GENERATION_CONFIG).write_text(text, encoding="utf-8")
    return Path(folder)


def write_hugging_face_files(
    folder: Path,
    config: BertConfig,
    tensors: Mapping[str, np.ndarray],
    metadata: Mapping[str, Any],
    vocabulary: list[str] | None,
    settings: Mapping[str, Any],
    extra: Mapping[str, Any],
    merges: list[str] | None = None,
) -> None:
    """Writes the files of a Hugging Face folder into a folder that exists; see `save_hugging_face`."""
    metadata = dict(metadata)
    metadata.setdefault("architectures", describe_heads(tensors)["architectures"])
    _write_json(folder / "config.json", hugging_face_fields(config, metadata))
    # transformers writes a bare encoder without the prefix.
    bare = metadata["architectures"] == ["BertModel"]
    arrays = {
        name.removeprefix(PREFIX) if bare else name: np.ascontiguousarray(tensor, dtype=np.float32)
        for name, tensor in tensors.items()
    }
    _write_tensors(folder, arrays)
    sentence = extra.get(SENTENCE, {})
    # Not where sentence-transformers would make other vectors than the settings ask for.
    if "pooling" in sentence and "refused" not in sentence:
        for name, content in sentence_transformers_files(sentence, config.hidden_size).items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")
    if vocabulary is not None:
        max_length = trained_length(config, extra)
        write_tokenizer_files(folder, vocabulary, settings, merges, max_length)
    _write_json(folder / "keras_bert.json", {"keras_bert_version": __version__, **extra})


def trained_length(config: BertConfig, extra: Mapping[str, Any]) -> int:
    """Returns the longest input, in tokens, that a model was trained with; as many as it has positions if unknown."""
    for part in ("preprocessor", "sentence_embedding"):
        settings = extra.get(part)
        length = settings.get("max_length") if isinstance(settings, Mapping) else None
        if isinstance(length, int) and 0 < length <= config.max_position_embeddings:
            return length
    return config.max_position_embeddings


def _write_tensors(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes `model.safetensors`, and one in a folder of its own for names such as `2_Dense/linear.weight`."""
    groups: dict[str, dict[str, np.ndarray]] = {}
    for name, array in arrays.items():
        module, _, inner = name.rpartition("/")
        groups.setdefault(module, {})[inner] = array
    for module, group in groups.items():
        path = folder / module / "model.safetensors"
        path.parent.mkdir(exist_ok=True)
        save_file(group, path, metadata={"format": "pt"})
        # safetensors (0.8) writes for the owner alone, which a server that runs as somebody else could not read.
        shutil.copymode(folder / "config.json", path)


def _write_json(path: Path, fields: Mapping[str, Any]) -> None:
    path.write_text(to_json(fields, indent=2) + "\n", encoding="utf-8")
