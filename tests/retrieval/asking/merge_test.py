"""Weights and what says the same, by hand."""

import pytest

from keras_bert.retrieval.asking.candidate import Candidate
from keras_bert.retrieval.asking.merge import merge
from keras_bert.retrieval.asking.merge import weigh as weigh_among
from keras_bert.retrieval.passages.passage import Found, Passage


def candidate(answer: str, text: str, score: float, read: float, file: str = "/a", start: int = 0) -> Candidate:
    passage = Passage(text, "T", file, start, start + len(text), True, None, None, 0)
    at = text.index(answer)
    return Candidate(Found(passage, score, 0), at, at + len(answer), read)


def weigh(candidates: list[Candidate], weight: float) -> list[Candidate]:
    """As if each passage that was read had a candidate."""
    return weigh_among(candidates, [each.found for each in candidates], weight)


def test_a_passage_without_a_candidate_is_one_of_those_that_were_read():
    found = [candidate("x", "x", score, 0.5) for score in (10, 6, 2)]
    passages = [each.found for each in found]
    assert [each.weight for each in weigh_among(found[1:2], passages, 0.0)] == pytest.approx([0.5])


def test_weights_by_hand():
    """The passages' scores 10, 6 and 2 become 1, 0.5 and 0."""
    found = [candidate("x", "x", score, read) for score, read in ((10, 0.2), (6, 0.8), (2, 1.0))]
    assert [each.weight for each in weigh(found, 0.5)] == pytest.approx([0.6, 0.65, 0.5])
    assert [each.weight for each in weigh(found, 0.0)] == pytest.approx([1, 0.5, 0])
    assert [each.weight for each in weigh(found, 1.0)] == pytest.approx([0.2, 0.8, 1.0])
    assert [each.weight for each in weigh(found[:1], 0.5)] == pytest.approx([0.6])
    assert weigh([], 0.5) == []


def test_what_says_the_same_is_one_answer():
    found = weigh(
        [
            candidate("the Danube", "on the Danube lies", 1.0, 0.5, "/a"),
            candidate("Danube", "Danube, a river", 1.0, 0.9, "/b"),
            candidate("Rhine", "the Rhine", 1.0, 0.7, "/c"),
        ],
        1.0,
    )
    answers = merge(found)
    assert [[each.text for each in same] for same in answers] == [["Danube", "the Danube"], ["Rhine"]]


def test_overlapping_passages_and_spans_count_once():
    text = "born in Graz in 1066"
    found = weigh(
        [
            candidate("Graz", text, 1.0, 0.6),
            candidate("in Graz", text, 1.0, 0.5),  # overlaps the better one
            candidate("Graz", text[8:], 1.0, 0.4, start=8),  # the same place, in another passage
            candidate("1066", text, 1.0, 0.3),
            candidate("Graz", text, 1.0, 0.2, file="/b"),  # another document
        ],
        1.0,
    )
    answers = merge(found)
    assert [[(each.text, each.read) for each in same] for same in answers] == [
        [("Graz", 0.6), ("Graz", 0.2)],
        [("1066", 0.3)],
    ]


def test_of_as_good_ones_that_with_more_places_comes_first():
    found = weigh(
        [candidate(name, name, 1.0, 0.5, file) for name, file in (("x", "/a"), ("y", "/b"), ("y", "/c"))], 1.0
    )
    assert [same[0].text for same in merge(found)] == ["y", "x"]
