"""Answers in Python's terms: strings and characters."""

import pytest

from keras_bert.tasks.question_answering.character_answers import character_answer, valid_utf8


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("né 😀".encode(), "né 😀"),
        ("a\ud83db".encode("utf-8", "surrogatepass"), "a\ufffdb"),
        (b"", ""),
    ],
)
def test_half_a_pair_becomes_valid_and_keeps_its_place(text, valid):
    assert valid_utf8(text).decode() == valid


def test_places_are_characters_or_bytes_as_the_text_is_given():
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
    text = context.decode()
    answer = character_answer(found, text)
    assert answer == {"answer": "北京", "score": 0.5, "start": 6, "end": 8, "no_answer_score": 0.1}
    listed = character_answer(found, text, n_best=3)["n_best"]
    assert [(span["answer"], span["start"], span["end"]) for span in listed] == [("北京", 6, 8), ("ok", 11, 13)]
    assert len(character_answer(found, text, n_best=1)["n_best"]) == 1
    # Of a text in bytes they are bytes.
    first, second = character_answer(found, context, n_best=2)["n_best"]
    assert (first["answer"], first["start"], first["end"]) == ("北京", start, end)
    assert (second["answer"], second["start"], second["end"]) == ("ok", last, last + 2)
