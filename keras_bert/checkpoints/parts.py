"""The parts of a checkpoint, each by itself: its encoder, its tokenizer, its preprocessor."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_bert.checkpoints import mapping
from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.google import add_vocabulary
from keras_bert.checkpoints.hugging_face import describe_hugging_face
from keras_bert.checkpoints.keras_hub import describe_keras_hub
from keras_bert.checkpoints.names import POOLER
from keras_bert.checkpoints.presets import open_checkpoint, resolve
from keras_bert.checkpoints.tokenizer_files import open_tokenizer
from keras_bert.config import BertConfig
from keras_bert.encoder import BertEncoder
from keras_bert.foreign_files import read_json
from keras_bert.kinds import check_kinds
from keras_bert.preset_hook import register_opener

if TYPE_CHECKING:
    from keras_bert.text.preprocessor import BertPreprocessor
    from keras_bert.text.token_layer import TokenLayer


# The files of which a folder of a whole checkpoint has one.
_CONFIGS = ("config.json", "bert_config.json", "modules.json")


@register_opener("encoder")
def open_encoder(
    handle: str | Path | Checkpoint,
    use_pooler: bool | None = None,
    load_weights: bool = True,
    pad_vocabulary: bool = False,
    **options: Any,
) -> BertEncoder:
    """Opens the encoder of a checkpoint; see `BertEncoder.from_preset`.

    Example:
        >>> open_encoder("minilm").config.num_hidden_layers
        6
    """
    if isinstance(handle, Checkpoint):
        checkpoint = handle
    elif load_weights:
        checkpoint = open_checkpoint(handle, pad_vocabulary=pad_vocabulary)
    else:
        checkpoint = describe(handle, pad_vocabulary)
    if use_pooler is None:
        use_pooler = not checkpoint.tensors or any(name.startswith(POOLER) for name in checkpoint.tensors)
    encoder = BertEncoder(checkpoint.config, use_pooler=use_pooler, **options)
    if load_weights and checkpoint.tensors:
        mapping.load_weights(mapping.encoder_weights(encoder), checkpoint, allow_new=[POOLER])
    return encoder


@register_opener("tokenizer")
def open_tokenizer_of(
    handle: str | Path | Checkpoint, lowercase: bool | None = None, pad_vocabulary: bool = False
) -> "TokenLayer":
    """Opens the tokenizer of a checkpoint; see `TokenLayer.from_preset`."""
    if isinstance(handle, Checkpoint):
        return handle.tokenizer()
    path = Path(handle).expanduser()
    if path.is_file() or (path.is_dir() and not any((path / name).is_file() for name in _CONFIGS)):
        return open_tokenizer(path, lowercase, pad_vocabulary)
    checkpoint = describe(handle, pad_vocabulary)
    if lowercase is not None:
        checkpoint = dataclasses.replace(checkpoint, lowercase=lowercase, strip_accents=None)
    return checkpoint.tokenizer()


@register_opener("preprocessor")
def open_preprocessor(
    handle: str | Path | Checkpoint, max_length: int | None = None, pad_vocabulary: bool = False, **options: Any
) -> "BertPreprocessor":
    """Opens the preprocessor of a checkpoint; see `BertPreprocessor.from_preset`.

    Example:
        >>> open_preprocessor("minilm", max_length=16)(["good bread"])["token_ids"].shape
        TensorShape([1, 8])
    """
    from keras_bert.text.preprocessor import BertPreprocessor

    checkpoint = handle if isinstance(handle, Checkpoint) else describe(handle, pad_vocabulary)
    saved = check_kinds(BertPreprocessor, checkpoint.extra.get("preprocessor", {}), checkpoint.source)
    settings = {**saved, **options}
    own = settings.pop("max_length", None) or checkpoint.extra.get("sentence_embedding", {}).get("max_length")
    length = max_length or own or checkpoint.config.max_position_embeddings
    return BertPreprocessor(checkpoint.tokenizer(), max_length=length, **settings)


def describe(handle: str | Path, pad_vocabulary: bool = False) -> Checkpoint:
    """Reads all of a checkpoint but its weights, and fetches no weights.

    Args:
        handle: See `resolve`.
        pad_vocabulary: Name spare rows of the word table; see `open_checkpoint`.

    Returns:
        A checkpoint without tensors.

    Raises:
        InputError: There is none, or one of its files cannot be read.

    Example:
        >>> checkpoint = describe("minilm")
        >>> checkpoint.config.hidden_size, len(checkpoint.vocabulary), checkpoint.tensors
        (384, 30522, {})
    """
    path = resolve(handle, weights=False)
    folder = path if path.is_dir() else path.parent  # of a TensorFlow checkpoint its prefix may be named
    is_sentence_transformer = (folder / "modules.json").is_file()
    if not is_sentence_transformer and "class_name" in (read_json(folder / "config.json") or {}):
        checkpoint = describe_keras_hub(folder)
    elif is_sentence_transformer or not (folder / "bert_config.json").is_file():
        checkpoint = describe_hugging_face(folder, pad_vocabulary)
    else:
        checkpoint = Checkpoint(BertConfig.from_json_file(folder / "bert_config.json"), {}, str(handle))
        add_vocabulary(checkpoint, folder)
    checkpoint.source = str(handle)
    if pad_vocabulary:
        checkpoint.name_spare_rows()
    return checkpoint
