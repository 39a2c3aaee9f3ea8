"""Mined negatives fit the question by its words, and are never right: held against a plain search by hand."""

import pytest

from keras_bert.errors import InputError
from keras_bert.retrieval.negatives import mine_negatives, search_texts
from tests.tasks import tiny

PASSAGES = ["Graz lies on the Mur.", "Linz lies on the Danube.", "The Mur is a river.", "The  MUR is a\nriver.", "Rome"]


def listed(queries, k):
    return [PASSAGES[:k] for _ in queries]


def mined(queries, positives, **options):
    return list(mine_negatives(listed, queries, positives, **options))


def test_the_first_that_are_found_and_not_right_are_taken():
    assert mined(["where"], PASSAGES[:1], count=2) == [PASSAGES[1:3]]
    assert mined(["where"], PASSAGES[1:2], count=9) == [[PASSAGES[0], PASSAGES[2], PASSAGES[4]]]  # a copy counts once


def test_what_is_right_for_the_same_question_elsewhere_is_none():
    queries, positives = ["Where", "where", "who"], [PASSAGES[0], PASSAGES[1], PASSAGES[2]]
    assert mined(queries, positives) == [[PASSAGES[2]], [PASSAGES[2]], [PASSAGES[0]]]


def test_what_holds_the_answer_or_the_passage_is_none():
    assert mined(["where"], ["Rome"], answers=[["mur", ""]]) == [[PASSAGES[1]]]
    assert mined(["where"], ["a river"], count=3) == [[PASSAGES[0], PASSAGES[1], PASSAGES[4]]]
    assert mined(["where"], ["In Italy lies Rome, a city"], count=4)[0] == PASSAGES[:3]


def test_the_first_can_be_passed_over_and_the_search_has_a_depth():
    assert mined(["where"], ["Rome"], skip=1) == [[PASSAGES[1]]]
    assert mined(["where"], ["Graz lies on the Mur."], depth=1) == [[]]


def test_random_ones_fill_up_and_follow_the_seed():
    def drawn(seed):
        return mined(["where"] * 3, PASSAGES[:1] * 3, depth=1, others=PASSAGES, seed=seed, count=2)

    assert drawn(1) == drawn(1)
    assert any(drawn(1) != drawn(seed) for seed in range(2, 6))
    assert all(len(set(found)) == 2 and PASSAGES[0] not in found for found in drawn(1))


def test_texts_are_found_by_the_words_they_share():
    texts = ["the film", "a good good good film", "a bad film"]
    search = search_texts(texts, tiny.preprocessor().tokenizer)
    assert search(["good", "bad", "film"], 1)[:2] == [[texts[1]], [texts[2]]]


@pytest.mark.parametrize("options", [{"count": 0}, {"skip": -1}, {"skip": 50}, {"answers": []}])
def test_numbers_out_of_range_are_refused(options):
    with pytest.raises(InputError):
        mined(["where"], ["Rome"], **options)
