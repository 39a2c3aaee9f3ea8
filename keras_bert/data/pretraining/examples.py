"""Pre-training examples from tokenized documents, by the rules of BERT's paper or packed as RoBERTa does."""

import random
from collections.abc import Iterator, Sequence

import numpy as np

from keras_bert.data.pretraining.segments import Document, Example, random_segment, run_of_sentences, truncate
from keras_bert.data.pretraining.unilm_examples import unilm_examples
from keras_bert.errors import InputError

OBJECTIVES = ("mlm_nsp", "mlm", "unilm")
WITH_PAIRS = ("mlm_nsp", "unilm")
"""Those whose random second texts come from other documents."""

SHORT_SEQ_PROBABILITY = 0.1
"""Google's default: the share of documents of which shorter examples are made."""

SHORTEST_PAIR = 5
"""[CLS] a [SEP] b [SEP] with one token each."""
SHORTEST_PACKED = 3
"""[CLS] a [SEP]."""


def pair_examples(
    documents: Sequence[Document],
    max_length: int,
    rng: random.Random,
    *,
    cls_id: int,
    sep_id: int,
    short_seq_probability: float = SHORT_SEQ_PROBABILITY,
    origins: Sequence[int] | None = None,
) -> Iterator[Example]:
    """Makes pairs of segments for the masked-word and the next-sentence objective.

    Sentences of a document are collected until they reach the target length, `max_length - 3`, or for a
    `short_seq_probability` of the documents any length from 2. They are divided between two sentences into a and b.
    In half the cases, and where there is only one sentence, b is replaced by sentences from another document, from
    any of its sentences on, and the sentences not used are put back. What is too long is cut token by token off the
    longer segment, at its front or its end by chance.

    Unlike Google's program, which draws ten times at most, the other document is never the same one.

    Args:
        documents: Those that pairs are made of, and that random segments come from; none may be empty.
        max_length: Tokens of an example at most, special tokens included.
        rng: Decides everything that is random; the same state gives the same examples.
        cls_id: Id of `[CLS]`.
        sep_id: Id of `[SEP]`.
        short_seq_probability: Share of documents with a shorter target.
        origins: For each entry of `documents` which document it is a part of, where long ones came in parts.

    Yields:
        The examples, document by document.

    Raises:
        InputError: There is only one document, or `max_length` is under 5.

    References:
        Devlin et al. 2018, arXiv:1810.04805, appendix A.2; github.com/google-research/bert,
        create_pretraining_data.py, `create_instances_from_document`.
    """
    if max_length < SHORTEST_PAIR:
        raise InputError(f"max_length is {max_length}; a pair takes {SHORTEST_PAIR} tokens or more")
    origins = range(len(documents)) if origins is None else origins
    if len(set(origins)) < 2:
        raise InputError(one_document(len(documents)))
    longest = max_length - 3
    cls, sep = np.array([cls_id], np.int32), np.array([sep_id], np.int32)
    for number, document in enumerate(documents):
        target = rng.randint(2, longest) if rng.random() < short_seq_probability else longest
        start = 0
        while start < len(document):
            stop = run_of_sentences(document, start, target)
            middle = start + (rng.randint(1, stop - start - 1) if stop - start > 1 else 1)
            first = np.concatenate(document[start:middle])
            is_random = middle == stop or rng.random() < 0.5
            if is_random:
                second = random_segment(documents, origins, number, target - len(first), rng)
                start = middle
            else:
                second = np.concatenate(document[middle:stop])
                start = stop
            first, second = truncate(first, second, longest, rng)
            token_ids = np.concatenate((cls, first, sep, second, sep))
            yield Example(token_ids, len(first) + 2, int(is_random))


def packed_examples(
    documents: Sequence[Document],
    max_length: int,
    rng: random.Random,
    *,
    cls_id: int,
    sep_id: int,
    short_seq_probability: float = 0.0,
) -> Iterator[Example]:
    """Packs whole sentences up to `max_length`, for the masked-word objective alone.

    An example never goes on into another document (RoBERTa's DOC-SENTENCES). A sentence that is longer than an
    example is cut into as many as it fills; nothing is lost.

    Args:
        documents: Their sentences; see `Document`.
        max_length: Tokens of an example at most, `[CLS]` and `[SEP]` included.
        rng: Draws the shorter lengths.
        cls_id: Id of `[CLS]`.
        sep_id: Id of `[SEP]`.
        short_seq_probability: Share of documents that are packed to a random shorter length.

    Yields:
        The examples, document by document, in the order of the text.

    Raises:
        InputError: `max_length` is under 3.

    References:
        Liu et al. 2019, arXiv:1907.11692, section 4.2.
    """
    if max_length < SHORTEST_PACKED:
        raise InputError(f"max_length is {max_length}; an example takes {SHORTEST_PACKED} tokens or more")
    longest = max_length - 2
    cls, sep = np.array([cls_id], np.int32), np.array([sep_id], np.int32)
    for document in documents:
        target = longest
        if short_seq_probability and rng.random() < short_seq_probability:
            target = rng.randint(min(2, longest), longest)
        parts: list[np.ndarray] = []
        length = 0
        for whole in document:
            sentence = whole
            if length + len(sentence) > target and parts:
                yield Example(np.concatenate((cls, *parts, sep)), length + 2, None)
                parts, length = [], 0
            while len(sentence) > target:
                yield Example(np.concatenate((cls, sentence[:target], sep)), target + 2, None)
                sentence = sentence[target:]
            parts.append(sentence)
            length += len(sentence)
        if parts:
            yield Example(np.concatenate((cls, *parts, sep)), length + 2, None)


def make_examples(
    documents: Sequence[Document],
    objective: str,
    max_length: int,
    rng: random.Random,
    *,
    cls_id: int,
    sep_id: int,
    short_seq_probability: float | None = None,
    origins: Sequence[int] | None = None,
) -> list[Example]:
    """Makes the examples of an objective, in random order.

    Args:
        documents: As for `pair_examples`.
        objective: `mlm_nsp` (`pair_examples`), `mlm` (`packed_examples`) or `unilm` (`unilm_examples`).
        max_length: As for `pair_examples`.
        rng: As for `pair_examples`; also draws the order.
        cls_id: Id of `[CLS]`.
        sep_id: Id of `[SEP]`.
        short_seq_probability: None is 0.1 for pairs and 0 for `mlm`, as Google and RoBERTa have it.
        origins: As for `pair_examples`; packing has no use for it.

    Raises:
        InputError: As `check_settings` and the functions of the objective.
    """
    check_settings(objective, max_length, short_seq_probability)
    if objective == "mlm":
        found = packed_examples(
            documents, max_length, rng, cls_id=cls_id, sep_id=sep_id, short_seq_probability=short_seq_probability or 0.0
        )
    else:
        share = SHORT_SEQ_PROBABILITY if short_seq_probability is None else short_seq_probability
        make = pair_examples if objective == "mlm_nsp" else unilm_examples
        found = make(
            documents, max_length, rng, cls_id=cls_id, sep_id=sep_id, short_seq_probability=share, origins=origins
        )
    examples = list(found)
    rng.shuffle(examples)
    return examples


def check_settings(objective: str, max_length: int, short_seq_probability: float | None) -> None:
    """Checks what examples are made by, before the text is read.

    Raises:
        InputError: A setting is outside its range.
    """
    if objective not in OBJECTIVES:
        raise InputError(f"objective {objective!r}: expected one of {', '.join(OBJECTIVES)}")
    shortest = SHORTEST_PAIR if objective in WITH_PAIRS else SHORTEST_PACKED
    if max_length < shortest:
        raise InputError(f"max_length is {max_length}; objective {objective} takes {shortest} tokens or more")
    if short_seq_probability is not None and not 0 <= short_seq_probability <= 1:
        raise InputError(f"short_seq_probability is {short_seq_probability}; expected 0 to 1")


def one_document(count: int, where: str = "") -> str:
    """Says why there can be no random next sentence."""
    return (
        f"{where + ': ' if where else ''}{'only one document' if count else 'no document'} with text, so no random "
        "next sentence can be drawn from another one; put blank lines between documents, or choose --objective=mlm"
    )
