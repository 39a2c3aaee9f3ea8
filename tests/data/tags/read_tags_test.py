"""Rows of tagged words, of every kind of file; real data sets are counted as their makers did."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from keras_bert.data import read_tags, tag_labels
from keras_bert.errors import InputError

CONLL = "Ada B-PER\nLovelace I-PER\nwrites O\n\nLondon B-LOC\n"


def write(tmp_path: Path, name: str, content: Any) -> Path:
    path = tmp_path / name
    text = content if isinstance(content, str) else "".join(json.dumps(row) + "\n" for row in content)
    path.write_text(text, encoding="utf-8")
    return path


def plain(rows: Any) -> list[tuple[str, list[str], list[str], int]]:
    """Text, words, tags and document of each row."""
    result = []
    for row in rows.as_numpy_iterator():
        words = [row["text"][start:end].decode() for start, end in zip(row["starts"], row["ends"], strict=True)]
        tags = [tag.decode() for tag in row["label"]]
        result.append((row["text"].decode(), words, tags, int(row["document"])))
    return result


EXPECTED = [
    ("Ada Lovelace writes", ["Ada", "Lovelace", "writes"], ["B-PER", "I-PER", "O"], 0),
    ("London", ["London"], ["B-LOC"], 1),
]


def test_three_kinds_of_files_are_the_same_rows(tmp_path: Path):
    columns = write(tmp_path, "a.conll", CONLL)
    iob1 = write(tmp_path, "b.txt", CONLL.replace("B-", "I-"))
    words = write(tmp_path, "c.jsonl", [{"w": words, "t": tags} for _, words, tags, _ in EXPECTED])
    spans = [[{"start": 0, "end": 12, "label": "PER"}], [{"start": 0, "end": 6, "label": "LOC"}]]
    texts = [{"text": row[0], "label": span} for row, span in zip(EXPECTED, spans, strict=True)]
    for rows in (
        read_tags(columns),
        read_tags(iob1),
        read_tags(iob1, scheme="IOB"),
        read_tags(words, words="w", label="t"),
        read_tags(write(tmp_path, "d.jsonl", texts)),
    ):
        assert plain(rows) == EXPECTED
        assert int(rows.cardinality()) == 2
    assert tag_labels(rows) == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]


def test_parts_of_speech_stay_as_they_are(tmp_path: Path):
    rows = read_tags(write(tmp_path, "a.tsv", "Ada\tNNP\nwrites\tVBZ\n"))
    assert plain(rows)[0][2] == ["NNP", "VBZ"]
    assert tag_labels(rows) == ["NNP", "VBZ"]


def test_characters_without_blanks_between(tmp_path: Path):
    rows = read_tags(write(tmp_path, "a.txt", "北\tB-LOC\n京\tI-LOC\n"), separator="")
    assert plain(rows) == [("北京", ["北", "京"], ["B-LOC", "I-LOC"], 0)]


def test_documents(tmp_path: Path):
    columns = write(tmp_path, "a.txt", f"-DOCSTART- O\n\n{CONLL}")
    assert [row[3] for row in plain(read_tags(columns, need_documents=True))] == [1, 1]
    rows = [{"w": ["a"], "t": ["O"], "doc": doc} for doc in ("x", "x", "y")]
    path = write(tmp_path, "b.jsonl", rows)
    named = read_tags(path, words="w", label="t", document="doc", need_documents=True)
    assert [row[3] for row in plain(named)] == [0, 0, 1]
    with pytest.raises(InputError, match="name the field that says which document"):
        read_tags(path, words="w", label="t", need_documents=True)
    with pytest.raises(InputError, match="no -DOCSTART- line"):
        read_tags(write(tmp_path, "c.txt", CONLL), need_documents=True)


def test_spans_that_cut_words_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    spans = [{"start": 1, "end": 3, "label": "PER"}, {"start": 4, "end": 12, "label": "PER"}]
    path = write(tmp_path, "a.jsonl", [{"text": "Ada Lovelace", "label": spans}])
    with caplog.at_level(logging.WARNING, logger="absl"):
        assert plain(read_tags(path))[0][2] == ["B-PER", "B-PER"]
    assert "1 of 2 spans cut a word and were widened to it; the first: " in caplog.text
    assert "a.jsonl, line 1, 1 to 3" in caplog.text


WORDS = {"words": "w", "label": "t"}


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("a.conll", "a BPER\nb B-LOC\n", {}, "line 1: tag 'BPER' is none of IOB2"),
        ("a.conll", "a B-PER\n\nb I-LOC\n", {"scheme": "IOB2"}, "line 3: tag 'I-LOC' cannot stand at the begin"),
        ("a.conll", "a B-PER\n\nb I-LOC\n", {}, "line 3: .* in IOB2; .*line 1: .* in IOB1; mend the tags, or name"),
        ("a.conll", "a B-PER\nb E-LOC\n", {}, "line 2: tag 'E-LOC' cannot stand behind 'B-PER' in BIOES"),
        ("a.conll", CONLL, {"labels": ["O", "B-PER", "I-PER"]}, "line 5: unknown tag 'B-LOC'; the labels are: B-PER"),
        ("a.conll", CONLL, {"scheme": "XYZ"}, "scheme 'XYZ': expected one of auto, IOB2"),
        ("a.csv", CONLL, {}, r"a.csv: unknown kind of file; expected .jsonl, .json .*\.conll"),
        ("a.jsonl", [{"w": ["a"], "t": ["O", "O"]}], WORDS, "line 1: 1 words in 'w', 2 tags in 't'"),
        ("a.jsonl", [{"w": "a", "t": ["O"]}], WORDS, "line 1: field 'w': expected a list of strings"),
        ("a.jsonl", [{"w": [""], "t": ["O"]}], WORDS, "line 1: field 'w': expected a list of strings, none empty"),
        (
            "a.jsonl",
            [{"w": ["a"], "t": [3]}],
            WORDS,
            r"line 1: field 't': expected .*, none empty, found \[3\]",
        ),
        ("a.conll", "a PER\nb O\n", {}, "line 1: tag 'PER' is none of IOB2; .*plain takes tags as they are"),
        ("a.jsonl", [{"w": [], "t": []}], WORDS, "line 1: field 'w': there are no words"),
        ("a.jsonl", [{"w": ["a"]}], WORDS, "line 1: no field 't'"),
        ("a.jsonl", [{"w": ["\ud800"], "t": ["O"]}], WORDS, r"line 1: half of a surrogate pair \(U\+D800\)"),
        ("a.jsonl", "\n", WORDS, "there are no rows"),
        ("a.jsonl", "\n", {}, "there are no rows"),
        ("a.jsonl", [{"text": 3, "label": []}], {}, "line 1: field 'text': expected a string, found int"),
        ("a.jsonl", [{"text": "", "label": []}], {}, "line 1: the text has no words"),
        ("a.jsonl", [{"text": "a", "label": "X"}], {}, "line 1: field 'label': expected a list of spans"),
        ("a.jsonl", [{"text": "a", "label": [], "d": None}], {"document": "d"}, "line 1: field 'd': expected the name"),
    ],
)
def test_bad_input_is_one_line_that_says_where(
    name: str, content: Any, options: dict[str, Any], message: str, tmp_path: Path
):
    with pytest.raises(InputError, match=message) as error:
        read_tags(write(tmp_path, name, content), **options)
    assert "\n" not in str(error.value)
    assert name in str(error.value) or "scheme" in options


def test_rows_without_an_entity_teach_nothing(tmp_path: Path):
    with pytest.raises(InputError, match="no word is part of an entity"):
        tag_labels(read_tags(write(tmp_path, "a.conll", "a O\n")))


@pytest.mark.parametrize(
    ("name", "sentences", "words", "entities", "types"),
    [
        ("conll2003/valid.txt", 3250, 51362, 5942, ["LOC", "MISC", "ORG", "PER"]),
        (
            "wnut17/dev.conll",
            1009,
            15733,
            None,
            ["corporation", "creative-work", "group", "location", "person", "product"],
        ),
        ("peoples_daily/dev.txt", 2318, 109870, None, ["LOC", "ORG", "PER"]),
    ],
)
def test_real_data(name: str, sentences: int, words: int, entities: int | None, types: list[str], shared_data: Path):
    rows = read_tags(shared_data / "token_classification" / name)
    assert int(rows.cardinality()) == sentences
    flat = next(iter(rows.ragged_batch(sentences)))["label"].flat_values.numpy().tolist()
    assert len(flat) == words
    if entities is not None:
        assert sum(tag.startswith(b"B-") for tag in flat) == entities
    assert sorted({tag.decode()[2:] for tag in flat} - {""}) == types


def write_lines(path: Path, *lines: Any) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines), "utf-8")
    return path


@pytest.mark.parametrize(
    "spans",
    [
        [[0, 12, "PER"], [22, 28, "LOC"]],
        [
            {"id": 7, "label": "LOC", "start_offset": 22, "end_offset": 28},
            {"id": 8, "label": "PER", "start_offset": 0, "end_offset": 12},
        ],
        [{"start": 0, "end": 12, "label": "PER"}, {"start": 22, "end": 28, "label": "LOC"}],
    ],
)
def test_the_spans_of_doccano(spans: list, tmp_path: Path):
    row = {"id": 1, "text": "Ada Lovelace lived in London.", "label": spans, "Comments": []}
    (found,) = read_tags(write_lines(tmp_path / "doccano.jsonl", row)).as_numpy_iterator()
    assert found["label"].tolist() == [b"B-PER", b"I-PER", b"O", b"O", b"B-LOC", b"O"]


def test_bios_and_types_beside_o_are_read(tmp_path: Path):
    bios = write_lines(tmp_path / "cluener.txt", "Ada B-PER", "Lovelace I-PER", "in O", "London S-LOC", "Paris S-LOC")
    (row,) = read_tags(bios).as_numpy_iterator()
    assert row["label"].tolist() == [b"B-PER", b"I-PER", b"O", b"B-LOC", b"B-LOC"]
    types = write_lines(tmp_path / "types.txt", "Ada PER", "Lovelace PER", "in O", "London LOC")
    with pytest.raises(InputError, match="IO joins neighbours of one type"):
        read_tags(types)
    (row,) = read_tags(types, scheme="IO").as_numpy_iterator()
    assert row["label"].tolist() == [b"B-PER", b"I-PER", b"O", b"B-LOC"]


def test_chinese_characters_that_are_joined_with_blanks_are_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    path = write_lines(tmp_path / "rows.txt", "北 B-LOC", "京 I-LOC", "1 O", "9 O", "年 O")
    read_tags(path, separator="")
    assert "Chinese characters" not in caplog.text
    read_tags(path)
    assert "most words are single Chinese characters, and are joined with ' '" in caplog.text
