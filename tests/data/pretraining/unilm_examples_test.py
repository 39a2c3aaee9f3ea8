"""Examples for UniLM's masks: shares within the binomial's tolerance, each kind as the paper has it.

A token tells where it stands, as in examples_test.
"""

import random
from collections import Counter

import numpy as np
import pytest

from keras_bert.data.pretraining.examples import make_examples
from keras_bert.data.pretraining.segments import Example
from keras_bert.data.pretraining.unilm_examples import FIRST_SEGMENTS, SHARES, unilm_examples
from tests.data.pretraining.examples_test import CLS, SEP, corpus, ids, places, segments, within


def examples_of(documents: list, max_length: int = 64, **options: object) -> list[Example]:
    options = {"short_seq_probability": 0.0, **options}
    return list(unilm_examples(documents, max_length, random.Random(0), cls_id=CLS, sep_id=SEP, **options))


@pytest.fixture(scope="module")
def found() -> list[Example]:
    return examples_of(corpus(600, seed=0))


def test_the_shares_are_those_of_the_paper(found: list[Example]):
    assert sum(SHARES.values()) == pytest.approx(1)
    counts = Counter(example.first_segment for example in found)
    for mask, share in SHARES.items():
        assert within(counts[FIRST_SEGMENTS[mask]], len(found), share), mask
    pairs = [example for example in found if example.first_segment == 0]
    assert within(sum(example.next_sentence_label for example in pairs), len(pairs), 0.5)


def test_each_kind_is_what_it_should_be(found: list[Example]):
    for example in found:
        assert len(example.token_ids) <= 64
        if example.first_segment in (2, 3):
            row = example.token_ids
            assert example.first_length == len(row)
            assert (row[0], row[-1]) == (CLS, SEP)
            places(row[1:-1])  # one document, in the order of the text
            continue
        first, second = segments(example)
        (of_first, _, last), (of_second, next_one, _) = places(first), places(second)
        if example.next_sentence_label:
            assert example.first_segment == 0
            assert of_first != of_second
        else:  # the second goes on where the first ended; either may have been cut
            assert of_first == of_second
            assert last <= next_one
            assert first[-1] < second[0]


def test_every_sentence_is_in_some_example_of_long_rows():
    """What a random second text replaces is put back."""
    documents = corpus(50, seed=1, longest=4)
    seen = np.unique(np.concatenate([example.token_ids for example in examples_of(documents, 400)]))
    assert np.isin(np.concatenate([sentence for document in documents for sentence in document]), seen).all()


def test_a_single_sentence_is_divided_and_a_single_token_is_one_text():
    kinds = set()
    for seed in range(30):
        rng = random.Random(seed)
        made = list(unilm_examples([[ids(7, 8)], [ids(9)]], 16, rng, cls_id=CLS, sep_id=SEP, short_seq_probability=0.0))
        for example in made:
            kinds.add((example.first_segment, example.token_ids.tolist()[1:-1] == [7, SEP, 8]))
            assert (example.first_segment, 9) != (4, example.token_ids[1])
    assert (4, True) in kinds  # source 7, target 8
    assert {segment for segment, _ in kinds} == {0, 2, 3, 4}


def test_the_same_seed_gives_the_same_examples():
    documents = corpus(20, seed=2)
    one, other = (make_examples(documents, "unilm", 32, random.Random(seed), cls_id=CLS, sep_id=SEP) for seed in (5, 5))
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left.token_ids, right.token_ids)
        assert left[1:] == right[1:]
