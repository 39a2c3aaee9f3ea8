"""Questions that are in memory are the rows that a file of them gives."""

import json
from pathlib import Path

import numpy as np
import pytest

from keras_bert.data import question_rows, read_squad
from keras_bert.errors import InputError
from tests.data.memory.rows_test import Frame

COLUMNS = {
    "id": ["a", "b"],
    "question": ["Who slept?", "Who ran?"],
    "context": ["Ädä slept in Graz.", "Ädä slept in Graz."],
    "answers": [[{"text": "slept", "answer_start": 4}, {"text": "Ädä", "answer_start": 0}], []],
}
AS_LISTS = [{"text": np.array(["slept", "Ädä"]), "answer_start": np.array([4, 0])}, {"text": [], "answer_start": []}]


def listed(dataset) -> list[dict]:
    return [{name: np.asarray(value).tolist() for name, value in row.items()} for row in dataset.as_numpy_iterator()]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    path: Path = tmp_path_factory.mktemp("questions") / "rows.jsonl"
    path.write_text(
        "\n".join(json.dumps(dict(zip(COLUMNS, row, strict=True))) for row in zip(*COLUMNS.values(), strict=False))
    )
    return listed(read_squad(path))


@pytest.mark.parametrize(
    "table",
    [
        COLUMNS,
        [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)],
        Frame(COLUMNS),
        {**COLUMNS, "answers": AS_LISTS, "title": ["x", "y"]},
    ],
    ids=["lists", "dicts", "frame", "datasets"],
)
def test_tables_are_what_a_file_of_them_is(table, expected: list[dict]):
    assert listed(question_rows(table)) == expected


def test_polars_itself(expected: list[dict]):
    polars = pytest.importorskip("polars")
    assert listed(question_rows(polars.DataFrame(COLUMNS))) == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answers": [["slept"], []]}, "the rows, row 0: field 'answers': expected a list of"),
        ({"answers": [[{"text": "slept", "answer_start": "4"}], []]}, "expected a whole number"),
        ({"question": ["Who?", None]}, "the rows, row 1: field 'question': expected a string, found null"),
        ({"context": ["", 7]}, "field 'context': expected a string"),
        ({"question": ["Who?", " "]}, "row 1: field 'question': is empty"),
    ],
)
def test_what_is_no_question(change: dict, message: str):
    with pytest.raises(InputError, match=message):
        question_rows({**COLUMNS, **change})


def test_what_is_no_table():
    for given in ("squad.json", [("Who?", "Ada.")], 7):
        with pytest.raises(
            InputError, match=r"with keras_bert.data.read_squad\(file\), or a list of dicts with question"
        ):
            question_rows(given)
    with pytest.raises(InputError, match=r"no column 'answers'; .* the columns are: 'question', 'context'"):
        question_rows([{"question": "Who?", "context": "Ada."}])
    with pytest.raises(InputError, match="there are no questions"):
        question_rows({name: [] for name in COLUMNS})
