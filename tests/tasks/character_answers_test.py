"""Answers in Python's terms: strings and characters."""

import pytest

from keras_bert.tasks.character_answers import character_answer, valid_utf8


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("né 😀".encode(), "né 😀"),
        (b"a\xff\xfeb", "a\ufffd\ufffdb"),
        ("a\ud83db".encode("utf-8", "surrogatepass"), "a\ufffdb"),
        (b"", ""),
    ],
)
def test_invalid_text_becomes_valid_and_keeps_its_places(text, valid):
    assert valid_utf8(text).decode() == valid


def test_places_are_characters():
    context = "né in 北京 😀 ok".encode()
    start, end = context.index("北京".encode()), context.index("北京".encode()) + 6
    last = context.index(b"ok")
    found = {
        "answer": "北京".encode(),
        "score": 0.5,
        "start": start,
        "end": end,
        "no_answer_score": 0.1,
        "scores": [0.5, 0.2, 0.0],
        "starts": [start, last, 0],
        "ends": [end, last + 2, 0],
        "count": 2,
    }
    answer = character_answer(found, context)
    assert answer == {"answer": "北京", "score": 0.5, "start": 6, "end": 8, "no_answer_score": 0.1}
    listed = character_answer(found, context, n_best=3)["n_best"]
    assert [(span["answer"], span["start"], span["end"]) for span in listed] == [("北京", 6, 8), ("ok", 11, 13)]
    assert len(character_answer(found, context, n_best=1)["n_best"]) == 1
