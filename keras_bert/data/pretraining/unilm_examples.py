"""Pre-training examples for the four masks of UniLM, in the shares of its paper."""

import random
from collections.abc import Iterator, Sequence

import numpy as np

from keras_bert.data.pretraining.segments import Document, Example, random_segment, run_of_sentences, truncate

FIRST_SEGMENTS = {"bidirectional": 0, "left_to_right": 2, "right_to_left": 3, "sequence_to_sequence": 4}
"""The segment of the first text under each mask; that of a second one is the next."""

SHARES = {"bidirectional": 1 / 3, "left_to_right": 1 / 6, "right_to_left": 1 / 6, "sequence_to_sequence": 1 / 3}
"""Dong et al. 2019, arXiv:1905.03197, section 2.4."""


def unilm_examples(
    documents: Sequence[Document],
    max_length: int,
    rng: random.Random,
    *,
    cls_id: int,
    sep_id: int,
    short_seq_probability: float,
    origins: Sequence[int] | None = None,
) -> Iterator[Example]:
    """Makes examples for masked words under four masks, each with the mask that is drawn for it.

    Sentences of a document are collected as for `pair_examples`, and a mask is drawn by `SHARES`:

    * from left to right, from right to left: they are one text, `[CLS] text [SEP]`, of segment 2 or 3;
    * from sequence to sequence: they are divided between two sentences into source and target, segments 4 and 5;
    * to both sides: divided so, in half of the cases the second text is a random one of another document, and the
      sentences not used are put back; segments 0 and 1, and the label of the next-sentence objective, which is learned
      under this mask alone.

    A single sentence is divided between two of its tokens. What is too long is cut off as for `pair_examples`, of one
    text at its end.

    Args:
        documents: As for `pair_examples`, like the rest.
        max_length: Tokens of an example at most, special tokens included.
        rng: Decides everything that is random.
        cls_id: Id of `[CLS]`.
        sep_id: Id of `[SEP]`.
        short_seq_probability: Share of documents with a shorter target.
        origins: For each entry of `documents` which document it is a part of.

    Yields:
        The examples, document by document; `first_segment` tells the mask.

    References:
        Dong et al. 2019, arXiv:1905.03197, section 2.1: one text for a mask of one direction, a pair for the others;
        2.3: next sentences with the bidirectional mask. That half of its pairs are random, and how texts are collected,
        is BERT's, to which the paper refers.
    """
    origins = range(len(documents)) if origins is None else origins
    longest = max_length - 3
    cls, sep = np.array([cls_id], np.int32), np.array([sep_id], np.int32)
    masks, shares = list(SHARES), list(SHARES.values())
    for number, document in enumerate(documents):
        target = rng.randint(2, longest) if rng.random() < short_seq_probability else longest
        start = 0
        while start < len(document):
            stop = run_of_sentences(document, start, target)
            (mask,) = rng.choices(masks, shares)
            segment = FIRST_SEGMENTS[mask]
            if mask in ("left_to_right", "right_to_left"):
                text = np.concatenate(document[start:stop])[: longest + 1]
                start = stop
                yield Example(np.concatenate((cls, text, sep)), len(text) + 2, 0, segment)
                continue
            is_random = mask == "bidirectional" and rng.random() < 0.5
            if is_random:
                middle = start + (rng.randint(1, stop - start - 1) if stop - start > 1 else 1)
                first = np.concatenate(document[start:middle])
                second = random_segment(documents, origins, number, target - len(first), rng)
                start = middle
            else:
                first, second = _divided(document[start:stop], rng)
                start = stop
            if not len(second):  # one token, which cannot be divided
                yield Example(np.concatenate((cls, first, sep)), len(first) + 2, 0, FIRST_SEGMENTS["left_to_right"])
                continue
            first, second = truncate(first, second, longest, rng)
            yield Example(np.concatenate((cls, first, sep, second, sep)), len(first) + 2, int(is_random), segment)


def _divided(sentences: Document, rng: random.Random) -> tuple[np.ndarray, np.ndarray]:
    """Divides text into two: between sentences, or a single one between its tokens."""
    if len(sentences) > 1:
        middle = rng.randint(1, len(sentences) - 1)
        return np.concatenate(sentences[:middle]), np.concatenate(sentences[middle:])
    (sentence,) = sentences
    middle = rng.randint(1, len(sentence) - 1) if len(sentence) > 1 else 1
    return sentence[:middle], sentence[middle:]
