"""Another vocabulary for a checkpoint: rows of shared pieces carried over, the others made from the old pieces."""

import dataclasses
import unicodedata
from collections.abc import Sequence
from os import PathLike, fspath

import numpy as np
from absl import logging

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.names import WORD_EMBEDDINGS
from keras_bert.errors import InputError
from keras_bert.text.vocabulary import check_vocabulary, load_vocabulary

DECODER_BIAS = "cls.predictions.bias"


def replace_vocabulary(
    checkpoint: Checkpoint,
    vocabulary: Sequence[str] | str | PathLike,
    lowercase: bool | None = None,
    seed: int = 0,
) -> Checkpoint:
    """Gives a checkpoint another vocabulary, for pre-training that goes on with other text.

    An entry that the old vocabulary has takes its row of the word table, and its entry of the masked-word head's
    bias. Any other takes the mean of the pieces that the old tokenizer cuts it into; where that knows it not, it
    starts fresh: the mean of all rows, with noise of their spread.

    Args:
        checkpoint: An opened checkpoint; it stays as it is.
        vocabulary: The new entries in the order of their ids, or the path of a `vocab.txt`.
        lowercase: Whether text is lower-cased for the new vocabulary; None leaves it as it is.
        seed: Of the fresh rows.

    Returns:
        The checkpoint with the new vocabulary; `notes` says how many rows came from where. The tensors that do not
        depend on the vocabulary are shared.

    Raises:
        InputError: The checkpoint has no vocabulary or one of byte-level BPE, or the new one is broken.

    References:
        The mean of the old pieces: Gee et al. 2022, arXiv:2402.09977, section 3; fresh rows around the mean of all:
        Hewitt 2021, nlp.stanford.edu/~johnhew/vocab-expansion.html.
    """
    if checkpoint.merges is not None:
        raise InputError(f"{checkpoint.source}: it has byte-level BPE; only a WordPiece vocabulary is replaced")
    if isinstance(vocabulary, str | PathLike):
        new = load_vocabulary(fspath(vocabulary))
    else:
        new = check_vocabulary(vocabulary)
    lowercase = checkpoint.lowercase if lowercase is None else lowercase
    strip_accents = checkpoint.strip_accents if lowercase == checkpoint.lowercase else None
    changed = dataclasses.replace(
        checkpoint,
        config=dataclasses.replace(checkpoint.config, vocab_size=len(new)),
        tensors=dict(checkpoint.tensors),
        notes=list(checkpoint.notes),
        vocabulary=new,
        lowercase=lowercase,
        strip_accents=strip_accents,
    )
    if not checkpoint.tensors:
        return changed
    if checkpoint.vocabulary is None:
        raise InputError(f"{checkpoint.source}: no vocabulary beside the weights, so no row of it can be carried over")

    pieces = _pieces(checkpoint, new)
    generator = np.random.default_rng(seed)
    changed.tensors[WORD_EMBEDDINGS] = _rows(checkpoint.tensors[WORD_EMBEDDINGS], pieces, generator)
    if DECODER_BIAS in checkpoint.tensors:
        changed.tensors[DECODER_BIAS] = _rows(checkpoint.tensors[DECODER_BIAS], pieces, generator)
    carried = len(set(new) & set(checkpoint.vocabulary))
    fresh = sum(not ids for ids in pieces)
    note = (
        f"new vocabulary of {len(new)} entries: {carried} rows carried over, {len(new) - carried - fresh} the mean of "
        f"their old pieces, {fresh} fresh"
    )
    logging.info("%s: %s", checkpoint.source, note)
    changed.notes.append(note)
    return changed.check()


def _pieces(checkpoint: Checkpoint, new: list[str]) -> list[list[int]]:
    """Gives the old ids of each new entry: its own, or those of its pieces, or none."""
    tokenizer = checkpoint.tokenizer()
    old = {token: index for index, token in enumerate(checkpoint.vocabulary or ())}
    unknown = [token for token in new if token not in old]
    words = dict(zip(unknown, tokenizer([_text_of(token) for token in unknown]).to_list(), strict=True)) if new else {}
    lower = checkpoint.lowercase
    strip = lower if checkpoint.strip_accents is None else checkpoint.strip_accents

    def ids_of(token: str) -> list[int]:
        if token in old:
            return [old[token]]
        ids = _continued(token, old, lower, strip) if _goes_on(token) else []
        ids = ids or words[token]
        return [] if tokenizer.unk_token_id in ids else ids

    return [ids_of(token) for token in new]


def _continued(token: str, old: dict[str, int], lowercase: bool, strip_accents: bool) -> list[int]:
    """Cuts a piece that goes on with a word into old pieces that do, by the longest first; none if that fails."""
    text = _text_of(token)
    text = text.lower() if lowercase else text
    if strip_accents:
        text = "".join(letter for letter in unicodedata.normalize("NFD", text) if unicodedata.category(letter) != "Mn")
    ids, start = [], 0
    while start < len(text):
        end = next((end for end in range(len(text), start, -1) if f"##{text[start:end]}" in old), None)
        if end is None:
            return []
        ids.append(old[f"##{text[start:end]}"])
        start = end
    return ids


def _goes_on(token: str) -> bool:
    return token.startswith("##") and token != "##"


def _text_of(token: str) -> str:
    return token[2:] if _goes_on(token) else token


def _rows(table: np.ndarray, pieces: list[list[int]], generator: np.random.Generator) -> np.ndarray:
    """Makes the new table of the old one: float32 (old entries, ...) in, (new entries, ...) out."""
    mean, spread = table.mean(0), table.std(0)
    rows = [table[ids].mean(0) if ids else generator.normal(mean, spread) for ids in pieces]
    return np.stack(rows).astype(np.float32)
