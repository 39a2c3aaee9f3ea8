"""A checkpoint without the rows of its word table that its texts do not need."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import tensorflow as tf

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.new_vocabulary import replace_vocabulary
from keras_bert.checkpoints.tokenizer_files import make_tokenizer
from keras_bert.errors import InputError
from keras_bert.text.ragged_rows import row_ids
from keras_bert.text.token_layer import TokenLayer
from keras_bert.text.vocabulary import SPECIAL_TOKENS

OUTPUT_MATRIX = "cls.predictions.decoder.weight"


def trim_vocabulary(checkpoint: Checkpoint, entries: Sequence[str]) -> Checkpoint:
    """Gives a checkpoint a part of its vocabulary, with the rows of the word table that belong to it.

    Texts that need none of the entries that go are answered as before. What else is kept by ids goes
    along: the bias of the masked-word head, the words that a model may write.

    Args:
        checkpoint: An opened checkpoint; it stays as it is.
        entries: The entries to keep, see `VocabularyUsage.kept`; in any order, theirs stays.

    Returns:
        The smaller checkpoint, which `open_task` and every `from_preset` take; `notes` says what was done.

    Raises:
        InputError: The checkpoint has no vocabulary or an output matrix of its own, an entry is not in the vocabulary,
            or a special or added token is to go.

    Example:
        >>> checkpoint = keras_bert.checkpoints.open_checkpoint("minilm")
        >>> usage = keras_bert.compression.VocabularyUsage(checkpoint.tokenizer())
        >>> usage.add(["a gripping film", "a dull book"])
        >>> small = trim_vocabulary(checkpoint, usage.kept())
        >>> len(checkpoint.vocabulary), len(small.vocabulary) < 2000
        (30522, True)

    References:
        Abdaoui et al. 2020, arXiv:2010.05609: multilingual BERT by the vocabulary of fewer languages.
    """
    tokenizer = trimmed_vocabulary(checkpoint.tokenizer(), entries)
    if OUTPUT_MATRIX in checkpoint.tensors:
        raise InputError(
            f"{checkpoint.source}: {OUTPUT_MATRIX} is an output matrix of its own; BERT's is the word table"
        )
    trimmed = replace_vocabulary(checkpoint, tokenizer)
    output_ids = checkpoint.extra.get("generation", {}).get("output_ids")
    if output_ids is None:
        return trimmed
    old = checkpoint.tokenizer().get_vocabulary()
    new = {entry: index for index, entry in enumerate(tokenizer.get_vocabulary())}
    kept = [new[old[index]] for index in output_ids if old[index] in new]
    generation = {**checkpoint.extra["generation"], "output_ids": kept}
    return dataclasses.replace(trimmed, extra={**checkpoint.extra, "generation": generation})


def trimmed_vocabulary(tokenizer: TokenLayer, entries: Sequence[str]) -> TokenLayer:
    """Returns a tokenizer with a part of the entries of another, in their order, and otherwise like it.

    Args:
        tokenizer: The whole one.
        entries: The entries to keep.

    Raises:
        InputError: An entry is not in the vocabulary, or a special or added token is to go.

    Example:
        >>> special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        >>> whole = keras_bert.BertTokenizer([*special, "film", "book", "##s"])
        >>> small = trimmed_vocabulary(whole, [*special, "film", "##s"])
        >>> whole("films").numpy().tolist(), small("films").numpy().tolist()
        ([5, 7], [5, 6])
    """
    whole, kept = tokenizer.get_vocabulary(), set(entries)
    if unknown := kept.difference(whole):
        raise InputError(f"the vocabulary has no entry {min(unknown)!r}, which is to be kept")
    needed = {*SPECIAL_TOKENS, *(token.content for token in tokenizer.added_tokens)}
    if lost := needed.intersection(whole) - kept:
        raise InputError(f"{min(lost)} must be kept: it is a special or an added token")
    merges = tokenizer.get_merges()
    if merges is not None:
        merges = [merge for merge in merges if merge.replace(" ", "") in kept and kept.issuperset(merge.split(" "))]
    return make_tokenizer([entry for entry in whole if entry in kept], merges, tokenizer.settings)


def changed_share(before: TokenLayer, after: TokenLayer, batches: Iterable[Sequence[str | bytes]]) -> float:
    """Measures which share of the pieces of texts a smaller vocabulary cuts otherwise.

    Args:
        before: The whole tokenizer.
        after: The smaller one.
        batches: Texts, some at a time, that the entries were not chosen by.

    Returns:
        Pieces of `before` that `after` does not give at the same place, over all pieces; 0 for no texts.

    Example:
        >>> special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        >>> whole, small = (keras_bert.BertTokenizer([*special, *words]) for words in (["film", "book"], ["film"]))
        >>> changed_share(whole, small, [["film book", "film film"]])  # `book` is [UNK] now
        0.25
    """
    changed = pieces = 0
    for texts in batches:
        one, other = (_places(tokenizer, texts) for tokenizer in (before, after))
        pieces += len(one)
        changed += len(one - other)
    return changed / pieces if pieces else 0.0


def _places(tokenizer: TokenLayer, texts: Sequence[str | bytes]) -> set[tuple[Any, ...]]:
    """Gives each piece of texts: number of the text, first byte, byte behind, the entry."""
    ids, starts, ends = tokenizer.tokenize_with_offsets(tf.constant(texts, tf.string))
    entries = tokenizer.get_vocabulary()
    columns = (row_ids(ids.row_splits), starts.flat_values, ends.flat_values, ids.flat_values)
    rows, starts, ends, ids = (column.numpy().tolist() for column in columns)
    return {(row, start, end, entries[token]) for row, start, end, token in zip(rows, starts, ends, ids, strict=True)}
