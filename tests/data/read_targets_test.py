"""Texts with targets from every kind of file and from parallel files, and what is refused with its place."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from keras_bert.data.read_targets import read_targets
from keras_bert.errors import InputError

ROWS = [("a dog", "ein Hund"), ("two cats", "zwei Katzen,\u2028süß"), ("a dog", "der Hund")]


def as_lists(dataset: Any) -> list[tuple]:
    return [tuple(row[name].decode() for name in ("text", "target")) for row in dataset.as_numpy_iterator()]


def references(dataset: Any) -> list[list[str]]:
    return [[one.decode() for one in row["references"]] for row in dataset.as_numpy_iterator()]


def write_lines(path: Path, lines: list[str]) -> Path:
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_a_column_of_texts_and_one_of_targets(suffix: str, tmp_path: Path):
    quoted = {".csv": '{},"{}"', ".tsv": "{}\t{}", ".jsonl": '{{"en": "{}", "de": "{}"}}'}[suffix]
    header = [] if suffix == ".jsonl" else [quoted.replace('"', "").format("en", "de")]
    path = write_lines(tmp_path / f"rows{suffix}", [*header, *(quoted.format(*row) for row in ROWS)])
    dataset = read_targets(path, "en", "de")
    assert as_lists(dataset) == ROWS
    assert (int(dataset.cardinality()), set(dataset.element_spec)) == (3, {"text", "target"})


def test_parallel_files_of_lines(tmp_path: Path):
    texts = write_lines(tmp_path / "a.en", [text for text, _ in ROWS])
    targets = write_lines(tmp_path / "a.de", [target for _, target in ROWS])
    assert as_lists(read_targets(texts, target_files=targets)) == ROWS
    others = write_lines(tmp_path / "b.de", ["x", "y", "z"])
    both = read_targets(texts, target_files=[targets, others], references=True)
    assert references(both) == [["ein Hund", "x"], ["zwei Katzen,\u2028süß", "y"], ["der Hund", "z"]]


def test_several_targets_are_references_or_rows(tmp_path: Path):
    table = write_lines(tmp_path / "rows.tsv", ["text\tone\ttwo", "a\tb\tc", "d\te\t"])
    lines = [json.dumps({"text": "a", "target": ["b", "c"]}), json.dumps({"text": "d", "target": "e"})]
    listed = write_lines(tmp_path / "rows.jsonl", lines)
    for source, names in ((table, ["one", "two"]), (listed, "target")):
        assert references(read_targets(source, target=names, references=True)) == [["b", "c"], ["e"]]
        assert as_lists(read_targets(source, target=names)) == [("a", "b"), ("a", "c"), ("d", "e")]


def test_rows_with_the_same_text_are_merged(tmp_path: Path):
    table = write_lines(tmp_path / "rows.tsv", ["text\ttarget", *("\t".join(row) for row in ROWS)])
    merged = read_targets(table, references=True, merge=True)
    assert references(merged) == [["ein Hund", "der Hund"], ["zwei Katzen,\u2028süß"]]
    assert as_lists(merged) == ROWS[:2]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["text\ttarget", "a\tb", "a\t "], "line 3: field 'target': an empty target"),
        (["text\ttarget\tmore", "a\t\tb"], "line 2: field 'target': an empty target"),
        (["text\tother", "a\tb"], "no column 'target'; the columns are: 'text', 'other'"),
        (["text\ttarget"], "there are no rows"),
    ],
)
def test_tables_that_are_refused(lines: list[str], message: str, tmp_path: Path):
    path = write_lines(tmp_path / "rows.tsv", lines)
    names = ["target", "more"] if "more" in lines[0] else "target"
    with pytest.raises(InputError, match=re.escape(str(path)) + ".*" + re.escape(message)):
        read_targets(path, target=names)


def test_lists_that_are_refused(tmp_path: Path):
    for value, message in (
        [[], "an empty target"],
        [None, "expected a string, found null"],
        [["a", 3], "expected a string, found int 3"],
    ):
        path = write_lines(tmp_path / "rows.jsonl", [json.dumps({"text": "a", "target": value})])
        with pytest.raises(InputError, match=f"line 1: field 'target': {message}"):
            read_targets(path)


def test_parallel_files_that_are_refused(tmp_path: Path):
    texts = write_lines(tmp_path / "a.en", ["a", "b", "c"])
    with pytest.raises(InputError, match=r"a.de: 2 lines for 3 of .*a.en; parallel files have the same number"):
        read_targets(texts, target_files=write_lines(tmp_path / "a.de", ["a", "b"]))
    with pytest.raises(InputError, match=r"b.de, line 2: an empty target"):
        read_targets(texts, target_files=write_lines(tmp_path / "b.de", ["a", "", "c"]))
    with pytest.raises(InputError, match=r"c.de: no such file"):
        read_targets(texts, target_files=tmp_path / "c.de")
    with pytest.raises(InputError, match="leave out columns, delimiter and quoting"):
        read_targets(texts, target_files=texts, columns=["text"])
