"""A source that is read some rows at a time gives the rows that it gives at once, in order, with the right places."""

import gzip
import json
from pathlib import Path

import pytest

from keras_bert.data import read, read_choices, read_squad, read_targets
from keras_bert.data.sources.source_blocks import SourceBlocks
from keras_bert.errors import InputError


def write(folder: Path, count: int) -> str:
    path = folder / "rows.jsonl.gz"
    with gzip.open(path, "wt") as file:
        for n in range(count):
            row = {"text": f"text {n}", "label": n % 3, "target": [f"a{n}", f"b{n}"], "choices": ["x", f"y{n}"]}
            file.write(json.dumps(row) + "\n")
    return str(path)


READERS = {
    "read": lambda source: read(source, label="label"),
    "read_choices": lambda source: read_choices(source, choices="choices", label=None),
    "read_targets": lambda source: read_targets(source),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("rows", [1, 3, 7, 100])
def test_blocks_are_the_rows(name: str, rows: int, tmp_path: Path):
    reader, path = READERS[name], write(tmp_path, 7)
    parts = list(SourceBlocks(path, rows).read_all(reader))
    assert len(parts) == -(-7 // rows)
    found = [str(row) for part in parts for row in part.as_numpy_iterator()]
    assert found == [str(row) for row in reader(path).as_numpy_iterator()]


def test_sets_of_fields_are_read_side_by_side(tmp_path: Path):
    def both(source):
        return [[row["text"].decode() for row in read(source, text=name).as_numpy_iterator()] for name in ("a", "b")]

    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"a": f"a{n}", "b": f"b{n}"}) + "\n" for n in range(3)))
    assert list(SourceBlocks(path, 2).read_all(both)) == [[["a0", "a1"], ["b0", "b1"]], [["a2"], ["b2"]]]


def test_an_error_in_a_later_block_names_its_line(tmp_path: Path):
    path = tmp_path / "rows.tsv"
    path.write_text("text\tlabel\n" + "good\t1\n" * 5 + "bad\n")
    with pytest.raises(InputError, match=r"rows\.tsv, line 7: 1 field, expected 2"):
        list(SourceBlocks(path, 2).read_all(lambda source: read(source, label="label")))


def test_no_rows_are_an_error_as_ever(tmp_path: Path):
    path = tmp_path / "rows.tsv"
    path.write_text("text\tlabel\n")
    with pytest.raises(InputError, match="there are no rows"):
        list(SourceBlocks(path, 2).read_all(read))


def test_a_reader_of_whole_files_gives_all_at_once(tmp_path: Path):
    path = tmp_path / "squad.json"
    question = {"id": "1", "question": "who", "answers": [{"text": "anna", "answer_start": 0}]}
    path.write_text(json.dumps({"data": [{"paragraphs": [{"context": "anna lived", "qas": [question] * 3}]}]}))
    (rows,) = SourceBlocks(path, 1).read_all(read_squad)
    assert len(list(rows)) == 3
