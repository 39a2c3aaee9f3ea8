"""Another vocabulary for a checkpoint: rows of shared pieces carried over, the others made from the old pieces."""

import dataclasses
import unicodedata
from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path

import numpy as np
from absl import logging

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.names import WORD_EMBEDDINGS
from keras_bert.checkpoints.tokenizer_files import make_tokenizer, open_tokenizer
from keras_bert.errors import InputError
from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.token_layer import TokenLayer
from keras_bert.text.vocabulary import SPECIAL_TOKENS, check_vocabulary, load_vocabulary
from keras_bert.text.word_begins import continuations
from keras_bert.text.word_piece.tokenizer import BertTokenizer

DECODER_BIAS = "cls.predictions.bias"


def replace_vocabulary(
    checkpoint: Checkpoint,
    vocabulary: Sequence[str] | str | PathLike | TokenLayer,
    lowercase: bool | None = None,
    seed: int = 0,
) -> Checkpoint:
    """Gives a checkpoint another vocabulary, for pre-training that goes on with other text.

    An entry that the old vocabulary has takes its row of the word table, and its entry of the masked-word head's
    bias. Any other takes the mean of the pieces that the old tokenizer cuts it into; where that knows it not, it
    starts fresh: the mean of all rows, with noise of their spread.

    Args:
        checkpoint: An opened checkpoint; it stays as it is.
        vocabulary: The new tokenizer, its folder, the path of a `vocab.txt`, or its entries in the order of their ids.
        lowercase: Whether text is lower-cased for the new vocabulary; None leaves it as the tokenizer or its folder
            says, for a file or a list as it was.
        seed: Of the fresh rows.

    Returns:
        The checkpoint with the new vocabulary; `notes` says how many rows came from where. The tensors that do not
        depend on the vocabulary are shared.

    Raises:
        InputError: The checkpoint has no vocabulary, or the new one is broken.

    References:
        The mean of the old pieces: Gee et al. 2022, arXiv:2402.09977, section 3; fresh rows around the mean of all:
        Hewitt 2021, nlp.stanford.edu/~johnhew/vocab-expansion.html.
    """
    tokenizer = _open(checkpoint, vocabulary, lowercase)
    new = tokenizer.get_vocabulary()
    changed = dataclasses.replace(
        checkpoint,
        config=dataclasses.replace(checkpoint.config, vocab_size=len(new)),
        tensors=dict(checkpoint.tensors),
        notes=list(checkpoint.notes),
        vocabulary=new,
        merges=tokenizer.get_merges(),
        **tokenizer.settings,
    )
    if not checkpoint.tensors:
        return changed
    if checkpoint.vocabulary is None:
        raise InputError(f"{checkpoint.source}: no vocabulary beside the weights, so no row of it can be carried over")

    shared = _shared(checkpoint, new, isinstance(tokenizer, BytePairTokenizer))
    pieces = _pieces(checkpoint, tokenizer, shared)
    generator = np.random.default_rng(seed)
    changed.tensors[WORD_EMBEDDINGS] = _rows(checkpoint.tensors[WORD_EMBEDDINGS], pieces, generator)
    if DECODER_BIAS in checkpoint.tensors:
        changed.tensors[DECODER_BIAS] = _rows(checkpoint.tensors[DECODER_BIAS], pieces, generator)
    carried, fresh = len(shared), sum(not ids for ids in pieces)
    note = (
        f"new vocabulary of {len(new)} entries: {carried} rows carried over, {len(new) - carried - fresh} the mean of "
        f"their old pieces, {fresh} fresh"
    )
    logging.info("%s: %s", checkpoint.source, note)
    changed.notes.append(note)
    return changed.check()


def add_entries(checkpoint: Checkpoint, entries: Sequence[str]) -> Checkpoint:
    """Gives a checkpoint's vocabulary further entries at its end, such as markers of entities.

    Their rows of the word table begin as the mean of the pieces that they were cut into. A tokenizer finds them in a
    text only where it can, or where `BertPreprocessor(markers=...)` looks for them.

    Args:
        checkpoint: An opened checkpoint; it stays as it is.
        entries: What to add; those that are there already stay where they are.

    Returns:
        The checkpoint with the longer vocabulary.

    Raises:
        InputError: The checkpoint has no vocabulary.
    """
    vocabulary = checkpoint.tokenizer().get_vocabulary()
    new = [entry for entry in entries if entry not in set(vocabulary)]
    if not new:
        return checkpoint
    tokenizer = make_tokenizer([*vocabulary, *new], checkpoint.merges, checkpoint.tokenizer_settings)
    return replace_vocabulary(checkpoint, tokenizer)


def _open(
    checkpoint: Checkpoint, vocabulary: Sequence[str] | str | PathLike | TokenLayer, lowercase: bool | None
) -> TokenLayer:
    """Makes the new tokenizer of whatever the caller has."""
    if isinstance(vocabulary, TokenLayer):
        return vocabulary
    if isinstance(vocabulary, str | PathLike) and Path(vocabulary).is_dir():
        return open_tokenizer(Path(vocabulary), lowercase)
    if isinstance(vocabulary, str | PathLike):
        entries = load_vocabulary(fspath(vocabulary))
    else:
        entries = check_vocabulary(vocabulary)
    as_before = lowercase is None or lowercase == checkpoint.lowercase
    return BertTokenizer(
        entries,
        checkpoint.lowercase if lowercase is None else lowercase,
        checkpoint.strip_accents if as_before else None,
    )


def _shared(checkpoint: Checkpoint, new: list[str], byte_pairs: bool) -> set[str]:
    """Gives the entries of both vocabularies; of another kind of tokenizer, only special ones mean the same."""
    shared = set(new) & set(checkpoint.vocabulary or ())
    return shared if byte_pairs == (checkpoint.merges is not None) else shared & set(SPECIAL_TOKENS)


def _pieces(checkpoint: Checkpoint, tokenizer: TokenLayer, shared: set[str]) -> list[list[int]]:
    """Gives the old ids of each new entry: its own, or those of its pieces, or none."""
    old_tokenizer = checkpoint.tokenizer()
    old = {token: index for index, token in enumerate(old_tokenizer.get_vocabulary())}
    new = tokenizer.get_vocabulary()
    texts = [tokenizer.text_of(token) for token in new]
    cut = old_tokenizer(texts).to_list()
    unknown = {old_tokenizer.unk_token_id}
    pieces = []
    for token, text, goes_on, ids in zip(new, texts, continuations(tokenizer), cut, strict=True):
        if token in shared:
            ids = [old[token]]
        elif goes_on and checkpoint.merges is None:
            ids = _continued(checkpoint, text.decode("utf-8", "replace"), old) or ids
        pieces.append([] if unknown.intersection(ids) and token not in shared else ids)
    return pieces


def _continued(checkpoint: Checkpoint, text: str, old: dict[str, int]) -> list[int]:
    """Cuts what goes on with a word into old pieces that do, by the longest first; none if that fails."""
    text = text.lower() if checkpoint.lowercase else text
    if checkpoint.lowercase if checkpoint.strip_accents is None else checkpoint.strip_accents:
        text = "".join(letter for letter in unicodedata.normalize("NFD", text) if unicodedata.category(letter) != "Mn")
    ids, start = [], 0
    while start < len(text):
        end = next((end for end in range(len(text), start, -1) if f"##{text[start:end]}" in old), None)
        if end is None:
            return []
        ids.append(old[f"##{text[start:end]}"])
        start = end
    return ids


def _rows(table: np.ndarray, pieces: list[list[int]], generator: np.random.Generator) -> np.ndarray:
    """Makes the new table of the old one: float32 (old entries, ...) in, (new entries, ...) out."""
    mean, spread = table.mean(0), table.std(0)
    rows = [table[ids].mean(0) if ids else generator.normal(mean, spread) for ids in pieces]
    return np.stack(rows).astype(np.float32)
