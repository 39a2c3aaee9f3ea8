"""Answers with a byte-level vocabulary: whole words, without the punctuation and the blanks around them."""

import functools
from typing import Any

import pytest
import tensorflow as tf

from tests.tasks import tiny_questions
from tests.text.byte_level import byte_level

TOKENIZER = byte_level("Vienna", "1990", "1995", "100", "who")


ANSWERS = ("北京", "1990", "1995", "Vienna", "100")


@functools.cache
def sure(max_length: int) -> Any:
    """A model that is sure of the first and of the last tokens of these, with a blank before them or without."""
    model = tiny_questions.answerer(tokenizer=TOKENIZER, max_length=max_length)
    ways = [TOKENIZER(blank + answer).numpy() for answer in ANSWERS for blank in ("", " ")]
    ends = [sorted({int(way[place]) for way in ways}) for place in (0, -1)]

    def logits(inputs: Any) -> tf.Tensor:
        padded = model.preprocessor.pad(inputs)
        known = model(padded, training=False)
        found = tf.stack([tf.reduce_any(padded["token_ids"][..., None] == tokens, -1) for tokens in ends], 1)
        found = tf.where(found & (known > -1e8), 30.0, known)
        return tf.concat([tf.ones_like(found[:, :, :1]), found[:, :, 1:]], 2)

    model._logits = logits
    return model


@pytest.mark.parametrize(
    ("context", "answer"),
    [
        ("x北京，y", "北京"),
        ("in 1990–1.", "1990"),
        ("in 7–1995.", "1995"),
        ("lived in “Vienna”.", "Vienna"),
        ("it is €100 now", "100"),
        ("\x0cVienna\x0c was", "Vienna"),
        ("Vienna", "Vienna"),
        ("  Vienna  \n", "Vienna"),
        ("Vienna\u3000 was", "Vienna"),
    ],
)
def test_answers_are_without_what_stands_around_them(context: str, answer: str):
    (found,) = sure(32).answer([("who", context)])
    assert found["answer"] == answer
    assert context[found["start"] : found["end"]] == answer


def test_windows_that_begin_at_a_blank_give_whole_words():
    context = "a  " * 30 + "Vienna" + "  b" * 30
    (found,) = sure(16).answer([("who", context)], n_best=10)
    assert found["answer"] == "Vienna"
    for span in found["n_best"]:
        assert span["answer"] == span["answer"].strip() != ""


@pytest.mark.parametrize("context", ["", " ", "\x0c\n ", "\u200b"])
def test_a_text_without_words_has_no_answer(context: str):
    (found,) = sure(32).answer([("who", context)], n_best=3)
    assert (found["answer"], found["start"], found["end"], found["n_best"]) == ("", 0, 0, [])
