"""What is marked is the answer, where it stands."""

from unittest import mock

from keras_bert.app.faces.answerer import AnswererFace
from tests.app.models import ASKED, every_model


def test_the_answer_where_it_stands():
    model = every_model()["answerer"]
    row = dict(zip(("question", "context"), ASKED["answerer"], strict=True))
    words, parts, table = AnswererFace(model, None).answer(row)
    found = model.answer([row], n_best=5)[0]
    assert words == found["answer"]
    assert [part for part in parts if part[1]] == [(found["answer"], "answer")]
    assert "".join(part for part, _ in parts) == row["context"]
    assert len(table) == len(found["n_best"])


def test_no_answer_is_said():
    model = every_model()["answerer"]
    none = {"answer": "", "score": 0.9, "start": 0, "end": 0, "n_best": [{"answer": "", "score": 0.9}]}
    with mock.patch.object(type(model), "answer", return_value=[none]):
        words, parts, table = AnswererFace(model, None).answer({"question": "who", "context": "a b"})
    assert (words, parts, table) == ("(no answer in this text)", [("a b", None)], [["(no answer)", 0.9]])
