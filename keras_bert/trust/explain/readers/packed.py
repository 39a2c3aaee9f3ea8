"""Texts that stand packed in a row: which token is of which word, and what was cut off."""

from collections.abc import Mapping, Sequence

import numpy as np

from keras_bert.trust.explain.field_tokens import FieldTokens
from keras_bert.trust.explain.reading import Cut, Word, parts_not_read

MAX_LENGTH = "max_length"
"""The reason of a part that the model does not read at all."""


def packed_owner(
    fields: Mapping[str, FieldTokens], kept: Sequence[int], width: int
) -> tuple[np.ndarray, list[Word], list[Cut]]:
    """Finds the words of a row `[CLS] a [SEP]`, or `[CLS] a [SEP] b [SEP]`.

    Args:
        fields: The tokens of each text, by the name of its field, before anything was cut off.
        kept: How many of them stand in the row, the first ones.
        width: Tokens of the row, padding included.

    Returns:
        int32 (width,), the number of the word that each token is of, -1 for none; all words; and what was cut off.
    """
    owner = np.full(width, -1, np.int32)
    words: list[Word] = []
    cut: list[Cut] = []
    place = 1
    for (field, tokens), count in zip(fields.items(), kept, strict=True):
        number = tokens.word[:count]
        owner[place : place + count] = np.where(number >= 0, number + len(words), -1)
        words += tokens.words(field)
        cut += parts_not_read(field, tokens.starts, tokens.ends, np.arange(len(tokens.ids)) < count, MAX_LENGTH)
        place += count + 1
    return owner, words, cut


def looks_from_pooling(
    poolings: Sequence[str], counted: np.ndarray, token_ids: np.ndarray, marker_ids: Sequence[int] = ()
) -> np.ndarray:
    """Says at which tokens the vector of a row is taken, as shares of 1.

    Args:
        poolings: Those of the head: `"pooler"`, `"markers"`, or modes of `TokenPooling`.
        counted: int32 (tokens,), 1 for a token that is pooled.
        token_ids: int32 (tokens,).
        marker_ids: The tokens of `"markers"`.

    Returns:
        float64 (tokens,).
    """
    found = np.zeros(len(counted))
    for pooling in poolings:
        own = np.zeros(len(counted))
        if pooling == "pooler":
            own[0] = 1
        elif pooling == "cls":
            own[np.argmax(counted)] = 1
        elif pooling == "lasttoken":
            own[np.flatnonzero(counted)[-1:]] = 1
        elif pooling == "markers":
            for marker in marker_ids:
                own[np.argmax(token_ids == marker)] += 1
        else:
            own += counted * (np.arange(1, len(counted) + 1) if pooling == "weightedmean" else 1)
        found += own / max(own.sum(), 1)
    return found / len(poolings)
