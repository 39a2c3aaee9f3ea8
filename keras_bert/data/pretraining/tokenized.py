"""Tokenized documents: sentences to ids in large batches, through the in-graph tokenizer."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

_BATCH_BYTES = 1 << 19
"""Text tokenized at once: enough that the calls cost nothing, little enough that memory stays flat."""


def tokenize_documents(documents: Sequence[Sequence[bytes]], tokenizer: Callable[[Any], Any]) -> list[list[np.ndarray]]:
    """Tokenizes the sentences of documents.

    Args:
        documents: The sentences of each, UTF-8.
        tokenizer: Such as `BertTokenizer`: string (batch,) to int32 RaggedTensor (batch, (tokens)).

    Returns:
        For each document int32 (tokens,) of each sentence; sentences without a token are left out, so that a document
        may be empty.
    """
    found = itertools.chain.from_iterable(
        _tokenize(batch, tokenizer) for batch in _batches(itertools.chain.from_iterable(documents))
    )
    return [[ids for ids in itertools.islice(found, len(sentences)) if len(ids)] for sentences in documents]


def _batches(sentences: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for sentence in sentences:
        batch.append(sentence)
        size += len(sentence)
        if size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _tokenize(sentences: list[bytes], tokenizer: Callable[[Any], Any]) -> list[np.ndarray]:
    with tf.device("CPU:0"):
        ragged = tokenizer(tf.constant(sentences))
    ids = ragged.values.numpy().astype(np.int32, copy=False)
    ends = ragged.row_splits.numpy().tolist()
    return [ids[start:end] for start, end in itertools.pairwise(ends)]
