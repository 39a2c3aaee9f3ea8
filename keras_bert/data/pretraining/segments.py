"""What pre-training examples are cut from documents by: an example, runs of sentences, random ones, both cut to fit."""

import random
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Document = Sequence[np.ndarray]
"""int32 (tokens,) of each sentence, none empty."""


class Example(NamedTuple):
    """One example, not masked and not padded.

    Attributes:
        token_ids: int32 (tokens,), `[CLS] a [SEP] b [SEP]` or `[CLS] a [SEP]`.
        first_length: How many of them belong to the first text: `[CLS] a [SEP]`.
        next_sentence_label: 0 if b follows a in the text, 1 if b is random; None without b.
        first_segment: The segment of the first text, by which UniLM tells its masks apart; that of the second is the
            next one. None for 0 and 1.
    """

    token_ids: np.ndarray
    first_length: int
    next_sentence_label: int | None
    first_segment: int | None = None


def run_of_sentences(document: Document, start: int, target: int) -> int:
    """Takes sentences from `start` on until they have `target` tokens, or the document ends; returns the one behind."""
    stop, length = start, 0
    while stop < len(document) and length < target:
        length += len(document[stop])
        stop += 1
    return stop


def random_segment(
    documents: Sequence[Document], origins: Sequence[int], number: int, length: int, rng: random.Random
) -> np.ndarray:
    """Takes sentences of another document, from a random one on, until they have `length` tokens: int32 (tokens,)."""
    other = number
    while origins[other] == origins[number]:
        other = rng.randrange(len(documents))
    document = documents[other]
    start = stop = rng.randrange(len(document))
    found = 0
    while stop == start or (stop < len(document) and found < length):
        found += len(document[stop])
        stop += 1
    return np.concatenate(document[start:stop])


def truncate(first: np.ndarray, second: np.ndarray, longest: int, rng: random.Random) -> tuple[np.ndarray, np.ndarray]:
    """Cuts both to `longest` tokens together, always a token of the longer one (of the second if they are alike).

    Each cut falls on the front or the end by a fair coin; so many heads as there are cuts are drawn at once.
    """
    excess = len(first) + len(second) - longest
    if excess <= 0:
        return first, second
    half = longest // 2
    kept_first = min(len(first), max(longest - len(second), longest - half))
    cut = []
    for segment, kept in ((first, kept_first), (second, longest - kept_first)):
        removed = len(segment) - kept
        front = rng.getrandbits(removed).bit_count() if removed else 0
        cut.append(segment[front : front + kept])
    return cut[0], cut[1]
