"""Rows with choices from every kind of file, and what is refused with its place."""

import json
from pathlib import Path
from typing import Any

import pytest

from keras_bert.data.read_choices import read_choices
from keras_bert.errors import InputError

ROWS = [("She opens", ["the door", "a, b", "ü"], 2), ("He sits", ["down", "up", "on"], 0)]
ENDINGS = ["ending0", "ending1", "ending2"]


def as_lists(dataset: Any) -> list[tuple]:
    return [
        (row["text"].decode(), [choice.decode() for choice in row["choices"]], int(row["label"]))
        for row in dataset.as_numpy_iterator()
    ]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_a_column_for_each_choice(suffix: str, tmp_path: Path):
    path = tmp_path / f"rows{suffix}"
    names = ["context", *ENDINGS, "label"]
    table = [[text, *choices, label] for text, choices, label in ROWS]
    if suffix == ".jsonl":
        lines = [json.dumps(dict(zip(names, row, strict=True))) for row in table]
    elif suffix == ".tsv":
        lines = ["\t".join(map(str, row)) for row in [names, *table]]
    else:
        lines = [",".join(f'"{value}"' for value in row) for row in [names, *table]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    dataset = read_choices(path, "context", ENDINGS, "label")
    assert as_lists(dataset) == ROWS
    assert int(dataset.cardinality()) == 2
    assert dataset.element_spec["choices"].shape == (3,)
    assert set(read_choices(path, "context", ENDINGS).element_spec) == {"text", "choices"}


SWAG = """\
,video-id,fold-ind,startphrase,sent1,sent2,gold-source,ending0,ending1,ending2,ending3,label
0,v_1,3416,"They march, slowly. A drum line",They march.,A drum line,gold,passes by.,"has, heard",is "in",ends,3
1,v_1,3417,He sits. He,He sits.,He,gen,gets up.,falls.,"says ""no"".",runs,0
"""


def test_the_layout_of_swag(tmp_path: Path):
    """Its first column, a number, has no name; the endings go on with the start phrase."""
    (tmp_path / "train.csv").write_text(SWAG, encoding="utf-8")
    rows = read_choices(tmp_path / "train.csv", "startphrase", [f"ending{number}" for number in range(4)], "label")
    assert as_lists(rows) == [
        ("They march, slowly. A drum line", ["passes by.", "has, heard", 'is "in"', "ends"], 3),
        ("He sits. He", ["gets up.", "falls.", 'says "no".', "runs"], 0),
    ]


def write_json(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_list_in_one_field(tmp_path: Path):
    rows = [{"text": text, "choices": choices, "label": label} for text, choices, label in ROWS]
    assert as_lists(read_choices(write_json(tmp_path / "rows.jsonl", *rows), label="label")) == ROWS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": 3}, "line 2: field 'label': expected the number of the right choice, 0 to 2, found 3"),
        ({"label": "first"}, "0 to 2, found 'first'"),
        ({"label": -1}, "0 to 2, found -1"),
        ({"label": True}, "0 to 2, found True"),
        ({"label": 1.0}, "0 to 2, found 1.0"),
        ({"choices": "a"}, "line 2: field 'choices': expected a list of 2 or more strings, found 'a'"),
        ({"choices": ["a"]}, "expected a list of 2 or more strings"),
        ({"choices": ["a", "b"], "label": 2}, "line 2: field 'label': expected the number of the right choice, 0 to 1"),
        ({"choices": ["a", " ", "b"]}, "line 2: field 'choices': an empty choice in"),
        ({"choices": ["a", "b", None]}, "line 2: field 'choices': expected a string, found null"),
        ({"text": 4}, "line 2: field 'text': expected a string, found int 4"),
    ],
)
def test_a_wrong_row_is_named(change: dict, message: str, tmp_path: Path):
    good = {"text": "a", "choices": ["b", "c", "d"], "label": 0}
    path = write_json(tmp_path / "rows.jsonl", good, {**good, **change})
    with pytest.raises(InputError, match=message):
        read_choices(path, label="label")


def test_a_file_without_rows_and_no_choices_are_refused(tmp_path: Path):
    (tmp_path / "rows.csv").write_text("text,a,b,label\n", encoding="utf-8")
    with pytest.raises(InputError, match="there are no rows"):
        read_choices(tmp_path / "rows.csv", choices=["a", "b"])
    with pytest.raises(InputError, match="no column 'c'"):
        read_choices(tmp_path / "rows.csv", choices=["a", "c"])
    with pytest.raises(InputError, match="name at least one column"):
        read_choices(tmp_path / "rows.csv", choices=[])


def test_rows_with_fewer_choices_are_filled_up(tmp_path: Path):
    given = [{"text": "a", "choices": list("bcd"), "label": 2}, {"text": "e", "choices": ["f", "g"], "label": 1}]
    found = as_lists(read_choices(write_json(tmp_path / "rows.jsonl", *given), label="label"))
    assert found == [("a", ["b", "c", "d"], 2), ("e", ["f", "g", ""], 1)]
    table = tmp_path / "rows.csv"
    table.write_text("text,x,y,z,label\na,b,c,d,2\ne,f,g,,1\n", encoding="utf-8")
    assert as_lists(read_choices(table, choices=["x", "y", "z"], label="label")) == found
    table.write_text("text,x,y,z,label\na,b,,d,2\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"line 2: field 'y': an empty choice; only the last ones may be missing"):
        read_choices(table, choices=["x", "y", "z"], label="label")


def test_a_question_beside_the_text(tmp_path: Path):
    given = {"text": "a", "asked": "why?", "choices": ["b", "c"], "label": 0}
    (row,) = read_choices(
        write_json(tmp_path / "rows.jsonl", given), label="label", question="asked"
    ).as_numpy_iterator()
    assert (row["question"], row["choices"].tolist(), row["label"]) == (b"why?", [b"b", b"c"], 0)


@pytest.mark.parametrize(("name", "counts"), [("c3_dialogue", {3, 4}), ("dream", {3})])
def test_real_rows(name: str, counts: set[int], shared_data: Path):
    path = shared_data / "multiple_choice" / name / "dev.jsonl"
    rows = list(read_choices(path, label="label", question="question").as_numpy_iterator())
    sizes = [sum(choice != b"" for choice in row["choices"]) for row in rows]
    assert set(sizes) == counts
    assert all(row["label"] < size and row["question"] for row, size in zip(rows, sizes, strict=True))
