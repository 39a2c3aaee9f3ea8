"""Earlier turns before a question: in rows of memory and of files, and what is none."""

import json
from pathlib import Path

import pytest

from keras_bert.data import read_squad
from keras_bert.data.history import with_history
from keras_bert.data.question_rows import question_rows
from keras_bert.errors import InputError

ROW = {"question": "And where?", "context": "Ada slept here.", "answers": [{"text": "here", "answer_start": 10}]}


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (None, "And where?"),
        ([], "And where?"),
        (["Who?", "Ada."], "Who?\nAda.\nAnd where?"),
        ([{"question": "Who?", "answer": "Ada."}], "Who?\nAda.\nAnd where?"),
        ([{"question": "Who?", "answer": ""}, {"question": "When?", "answer": None}], "Who?\nWhen?\nAnd where?"),
        (["Who\nis  it?\r\n", " "], "Who is it?\nAnd where?"),
    ],
)
def test_turns_are_lines_before_the_question(history, expected: str, tmp_path: Path):
    assert with_history(ROW["question"], history, "row 0") == expected
    row = {**ROW, "history": history}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    for rows in (question_rows([row]), read_squad(tmp_path / "rows.jsonl")):
        (found,) = rows.as_numpy_iterator()
        assert found["question"].decode() == expected
        assert found["answer_start"] == 10


def test_rows_without_the_field_among_others(tmp_path: Path):
    (tmp_path / "rows.jsonl").write_text(json.dumps(ROW) + "\n" + json.dumps({**ROW, "history": ["Who?"]}) + "\n")
    found = [row["question"].decode() for row in read_squad(tmp_path / "rows.jsonl").as_numpy_iterator()]
    assert found == ["And where?", "Who?\nAnd where?"]


def test_squads_layout_may_have_turns(tmp_path: Path):
    asked = {"id": "1", "question": ROW["question"], "answers": ROW["answers"], "history": ["Who?"]}
    data = {"data": [{"paragraphs": [{"context": ROW["context"], "qas": [asked]}]}]}
    (tmp_path / "rows.json").write_text(json.dumps(data))
    assert next(read_squad(tmp_path / "rows.json").as_numpy_iterator())["question"] == b"Who?\nAnd where?"


@pytest.mark.parametrize("history", ["Who?", {"question": "Who?"}, [1], [{"answer": "Ada"}], [["Who?"]], 5])
def test_what_is_no_history(history, tmp_path: Path):
    with pytest.raises(InputError, match="field 'history': expected"):
        with_history("And where?", history, "row 0")
    (tmp_path / "rows.jsonl").write_text(json.dumps(ROW) + "\n" + json.dumps({**ROW, "history": history}) + "\n")
    with pytest.raises(InputError, match=r"rows\.jsonl, line 2: field 'history': expected"):
        read_squad(tmp_path / "rows.jsonl")
