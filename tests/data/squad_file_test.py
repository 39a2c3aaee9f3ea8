"""Questions from files: SQuAD's layouts and JSON lines, offsets in bytes, and what is wrong with a file."""

import gzip
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from keras_bert.data.squad_file import NO_ANSWER, NOT_FOUND, read_squad
from keras_bert.errors import InputError

CONTEXT = "Gödel lebte in Wien. 😀 Später in Princeton."


def answer(text: str, context: str = CONTEXT) -> dict[str, Any]:
    return {"text": text, "answer_start": context.index(text)}


QUESTIONS = [
    {"id": "q1", "question": "Wo lebte er?", "answers": [answer("Wien"), answer("in Wien")]},
    {"id": "q2", "question": "Und später?", "answers": [answer("Princeton")], "is_impossible": False},
    {"id": "q3", "question": "Wie alt?", "answers": [], "is_impossible": True, "plausible_answers": [answer("Wien")]},
]


def squad(questions: list[dict[str, Any]], context: Any = CONTEXT) -> dict[str, Any]:
    return {"version": "v2.0", "data": [{"title": "t", "paragraphs": [{"context": context, "qas": questions}]}]}


def written(path: Path, content: Any) -> Path:
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    return written(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def test_rows_hold_the_first_answer_by_bytes(tmp_path: Path):
    rows = read_squad(written(tmp_path / "dev.json", squad(QUESTIONS)))
    assert int(rows.cardinality()) == 3
    found = list(rows.as_numpy_iterator())
    assert [row["id"] for row in found] == [b"q1", b"q2", b"q3"]
    assert found[0]["answers"].tolist() == [b"Wien", b"in Wien"]
    assert {row["context"].decode() for row in found} == {CONTEXT}
    spans = [row["context"][row["answer_start"] : row["answer_end"]] for row in found[:2]]
    assert spans == [b"Wien", b"Princeton"]
    assert (found[2]["answer_start"], found[2]["answer_end"], len(found[2]["answers"])) == (NO_ANSWER, NO_ANSWER, 0)


def test_lines_hold_the_same(tmp_path: Path):
    expected = list(read_squad(written(tmp_path / "dev.json", squad(QUESTIONS))).as_numpy_iterator())
    rows = [{**question, "context": CONTEXT} for question in QUESTIONS]
    rows[0]["answers"] = {name: [each[name] for each in rows[0]["answers"]] for name in ("text", "answer_start")}
    path = lines(tmp_path / "dev.jsonl", rows)
    (tmp_path / "dev.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
    for name in ("dev.jsonl", "dev.jsonl.gz"):
        found = list(read_squad(tmp_path / name).as_numpy_iterator())
        for row, other in zip(found, expected, strict=True):
            assert {key: value.tolist() if key == "answers" else value for key, value in row.items()} == {
                key: value.tolist() if key == "answers" else value for key, value in other.items()
            }


def test_rows_without_answers_are_read_where_none_are_asked_for(tmp_path: Path):
    path = lines(tmp_path / "ask.jsonl", [{"question": "Who?", "context": ""}, {"question": "What?", "context": "x"}])
    found = list(read_squad(path, label=False).as_numpy_iterator())
    assert found == [
        {"id": b"1", "question": b"Who?", "context": b""},
        {"id": b"2", "question": b"What?", "context": b"x"},
    ]


def test_answers_astray_are_counted_or_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    astray = {"text": "Graz", "answer_start": 15}
    questions = [
        {"id": "a", "question": "?", "answers": [astray, answer("Wien")]},
        {"id": "b", "question": "?", "answers": [{"text": "Wien", "answer_start": -1}]},
        {"id": "c", "question": "?", "answers": [answer("Wien")]},
    ]
    path = written(tmp_path / "train.json", squad(questions))
    with caplog.at_level(logging.WARNING, "absl"):
        found = list(read_squad(path).as_numpy_iterator())
    assert "2 of 3 questions have an answer that does not stand at its answer_start, 1 have no other" in caplog.text
    assert "question 1: the answer 'Graz' does not stand at character 15" in caplog.text
    assert found[0]["answers"].tolist() == [b"Graz", b"Wien"]
    assert found[0]["context"][found[0]["answer_start"] : found[0]["answer_end"]] == b"Wien"
    assert found[1]["answer_start"] == found[1]["answer_end"] == NOT_FOUND
    with pytest.raises(InputError, match=r"train\.json, question 1: the answer 'Graz' does not stand at character 15"):
        read_squad(path, strict=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"bad JSON: .*; expected SQuAD's layout \(name a file of one object a line .jsonl\)"),
        ("[]", "no list 'data'; expected SQuAD's layout"),
        ({"data": [{"title": "t"}]}, r"data\[0\]: no list 'paragraphs'"),
        ({"data": [{"paragraphs": [{"context": "c"}]}]}, r"data\[0\].paragraphs\[0\]: no list 'qas'"),
        (squad([{"question": "?"}]), r"data\[0\].paragraphs\[0\].qas\[0\]: no field 'answers'"),
        (squad([{"answers": []}]), r"qas\[0\]: no field 'question'"),
        (squad([]), "there are no questions"),
        (squad([{"question": None, "answers": []}]), "question 1: field 'question': expected a string, found null"),
        (squad([{"question": " ", "answers": []}]), "question 1: field 'question': is empty"),
        (squad(QUESTIONS, context=7), "question 1: field 'context': expected a string, found int 7"),
        (squad([{"question": "?", "answers": "Wien"}]), "field 'answers': expected a list of .* found 'Wien'"),
        (squad([{"question": "?", "answers": [{"text": "Wien"}]}]), "'answers.answer_start': expected a whole number"),
        (squad([{"question": "?", "answers": [{"answer_start": 3}]}]), "field 'answers.text': expected a string"),
        (squad([{**QUESTIONS[0], "is_impossible": True}]), "is true, and yet there are answers"),
        (squad([{"question": "\ud83d", "answers": []}]), "half of a surrogate pair"),
        ("", "the file is empty"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, content: Any, message: str):
    with pytest.raises(InputError, match=message):
        read_squad(written(tmp_path / "wrong.json", content))


def test_wrong_lines_and_files_are_refused(tmp_path: Path):
    path = lines(tmp_path / "wrong.jsonl", [{"question": "?", "context": "c", "answers": []}, {"question": "?"}])
    with pytest.raises(InputError, match="line 2: no field 'context'"):
        read_squad(path)
    with pytest.raises(InputError, match=r"rows\.csv: unknown kind of file; expected SQuAD's \.json or \.jsonl"):
        read_squad(tmp_path / "rows.csv")
    with pytest.raises(InputError, match="no such file"):
        read_squad(tmp_path / "missing.json")


@pytest.mark.parametrize(
    ("name", "questions", "impossible", "lost"),
    [("squad/dev", 1214, 0, 0), ("squad_v2/dev", 2471, 1257, 0), ("xquad/xquad.zh", 1190, 0, 0)],
)
def test_published_files_are_read_whole(shared_data: Path, name: str, questions: int, impossible: int, lost: int):
    """The counts are those of the data's own description; every answer stands in its text."""
    rows = list(read_squad(shared_data / "question_answering" / f"{name}.json").as_numpy_iterator())
    starts = [row["answer_start"] for row in rows]
    assert (len(rows), starts.count(NO_ANSWER), starts.count(NOT_FOUND)) == (questions, impossible, lost)
    for row in rows:
        if row["answer_start"] >= 0:
            assert row["context"][row["answer_start"] : row["answer_end"]] == row["answers"][0]
