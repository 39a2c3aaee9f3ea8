"""The reader reads each passage as if it were alone."""

import pytest

from keras_bert.retrieval.asking.read import SPANS, read_passages
from keras_bert.retrieval.passages.passage import Found, Passage
from tests.tasks import tiny_questions

TEXTS = ["anna lived in graz. bela lived in linz.", "carl was born in 1066 in old vienna, dora in 1999.", "in", "..."]
QUESTIONS = ["who lived in graz", "when was carl born"]


def found(text: str) -> Found:
    return Found(Passage(text, "T", "/a", 0, len(text), True, None, None, 0), 1.0, 0)


def test_each_passage_as_if_alone():
    reader = tiny_questions.answerer()
    passages = [[found(text) for text in TEXTS], [found(text) for text in TEXTS[:2]]]
    for question, own, candidates in zip(QUESTIONS, passages, read_passages(reader, QUESTIONS, passages), strict=True):
        alone = [reader.answer([(question, each.passage.text)], n_best=SPANS)[0] for each in own]
        expected = [
            (span["answer"], pytest.approx(span["score"] * (1 - answer["no_answer_score"]), abs=1e-5))
            for answer in alone
            for span in answer["n_best"]
            if answer["answer"] and span["answer"].strip()
        ]
        assert [(each.text, each.read) for each in candidates] == expected
        assert len(expected) > len(own)


def test_what_the_reader_does_not_answer_is_no_candidate():
    reader = tiny_questions.answerer(no_answer_threshold=0.0)
    assert read_passages(reader, QUESTIONS, [[found(TEXTS[0])], []]) == [[], []]
    assert read_passages(reader, [], []) == []
