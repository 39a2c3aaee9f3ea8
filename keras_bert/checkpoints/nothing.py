"""A checkpoint of an architecture and a vocabulary, without weights: where training starts from nothing."""

import dataclasses
from pathlib import Path

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.new_vocabulary import replace_vocabulary
from keras_bert.checkpoints.tokenizer_files import open_tokenizer
from keras_bert.config import BertConfig
from keras_bert.errors import InputError


def without_weights(
    config: BertConfig | str | Path, vocabulary: str | Path, lowercase: bool | None = None
) -> Checkpoint:
    """Makes a checkpoint from which every weight starts fresh.

    Args:
        config: The architecture, or the path of its `config.json`. The vocabulary's size goes into a config; a file
            must say it.
        vocabulary: A `vocab.txt`, or a folder with a tokenizer's files.
        lowercase: Whether text is lower-cased, in place of what the folder says; True for a file unless given.

    Returns:
        The checkpoint, for the `from_preset` of a task.

    Raises:
        InputError: A file is missing or damaged, or the vocabulary is of another size than the file says.

    Example:
        >>> config = BertConfig(hidden_size=256, num_hidden_layers=4, num_attention_heads=4, intermediate_size=1024)
        >>> model = BertPretrainer.from_preset(without_weights(config, "vocab.txt"))  # doctest: +SKIP
    """
    tokenizer = open_tokenizer(vocabulary, lowercase)
    if isinstance(config, BertConfig):
        config = dataclasses.replace(config, vocab_size=tokenizer.vocabulary_size)
        return replace_vocabulary(Checkpoint(config, {}, "random weights"), tokenizer)
    read = BertConfig.from_json_file(config)
    if read.vocab_size != tokenizer.vocabulary_size:
        raise InputError(
            f"{config}: vocab_size={read.vocab_size}, but {vocabulary} has {tokenizer.vocabulary_size} entries; "
            "make them equal"
        )
    return replace_vocabulary(Checkpoint(read, {}, str(config)), tokenizer)
