"""A checkpoint of an architecture and a vocabulary, without weights: where training starts from nothing."""

import dataclasses
from pathlib import Path

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.new_vocabulary import replace_vocabulary
from keras_bert.checkpoints.tokenizer_files import make_tokenizer, open_tokenizer
from keras_bert.config import BertConfig
from keras_bert.errors import InputError
from keras_bert.text.vocabulary import spare_entries


def without_weights(
    config: BertConfig | str | Path,
    vocabulary: str | Path,
    lowercase: bool | None = None,
    pad_vocabulary: bool = False,
) -> Checkpoint:
    """Makes a checkpoint from which every weight starts fresh.

    Args:
        config: The architecture, or the path of its `config.json`. The vocabulary's size goes into a config; a file
            must say it.
        vocabulary: A `vocab.txt`, or a folder with a tokenizer's files.
        lowercase: Whether text is lower-cased, in place of what the folder says; True for a file unless given.
        pad_vocabulary: Name ids that no token has, and rows of a file's config beyond the vocabulary; see
            `open_checkpoint`.

    Returns:
        The checkpoint, for the `from_preset` of a task.

    Raises:
        InputError: A file is missing or damaged, or the vocabulary is of another size than the file says.

    Example:
        >>> config = BertConfig(hidden_size=256, num_hidden_layers=4, num_attention_heads=4, intermediate_size=1024)
        >>> model = BertPretrainer.from_preset(without_weights(config, "vocab.txt"))  # doctest: +SKIP
    """
    tokenizer = open_tokenizer(vocabulary, lowercase, pad_vocabulary)
    if isinstance(config, BertConfig):
        config = dataclasses.replace(config, vocab_size=tokenizer.vocabulary_size)
        return replace_vocabulary(Checkpoint(config, {}, "random weights"), tokenizer)
    read = BertConfig.from_json_file(config)
    if pad_vocabulary:
        known = tokenizer.get_vocabulary()
        entries = [*known, *spare_entries(known, read.vocab_size - len(known))]
        tokenizer = make_tokenizer(entries, tokenizer.get_merges(), tokenizer.settings)
    if read.vocab_size != tokenizer.vocabulary_size:
        raise InputError(
            f"{config}: vocab_size={read.vocab_size}, but {vocabulary} has {tokenizer.vocabulary_size} entries; "
            "make them equal, or have spare rows named: pad_vocabulary=True, --pad_vocabulary of the programs"
        )
    return replace_vocabulary(Checkpoint(read, {}, str(config)), tokenizer)
