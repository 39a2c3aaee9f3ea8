"""Tagged words and spans that are in memory are the rows that a file of them gives."""

import json
from pathlib import Path

import numpy as np
import pytest

from keras_bert.data import read_tags
from keras_bert.data.tags.tag_rows import given_words, tag_rows
from keras_bert.errors import InputError
from tests.data.memory.rows_test import Frame

WORDS = [["Ada", "Lovelace", "slept"], ["In", "Graz"]]
TAGS = [["B-PER", "I-PER", "O"], ["O", "B-LOC"]]
SPANS = [[{"start": 0, "end": 12, "label": "PER"}], [{"start": 3, "end": 7, "label": "LOC"}]]
TEXTS = [" ".join(words) for words in WORDS]


def listed(dataset) -> list[dict]:
    return [
        {name: value.tolist() for name, value in row.items() if name != "text"} for row in dataset.as_numpy_iterator()
    ]


@pytest.mark.parametrize(
    "table",
    [
        [{"words": words, "labels": tags, "id": 1} for words, tags in zip(WORDS, TAGS, strict=True)],
        {"tokens": WORDS, "ner_tags": TAGS},
        Frame({"words": [np.array(words) for words in WORDS], "label": [tuple(tags) for tags in TAGS]}),
        list(zip(WORDS, TAGS, strict=True)),
        {"words": WORDS, "tags": [["I-PER", "I-PER", "O"], ["O", "I-LOC"]]},  # IOB1
        [{"text": text, "entities": spans} for text, spans in zip(TEXTS, SPANS, strict=True)],
        {"text": TEXTS, "labels": [[[span["start"], span["end"], span["label"]] for span in row] for row in SPANS]},
    ],
    ids=["dicts", "lists", "frame", "pairs", "iob1", "spans", "doccano"],
)
def test_tables_are_what_a_file_of_them_is(table, tmp_path: Path):
    lines = [json.dumps({"words": words, "label": tags}) for words, tags in zip(WORDS, TAGS, strict=True)]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    assert listed(tag_rows(table)) == listed(read_tags(tmp_path / "rows.jsonl", words="words"))


def test_polars_itself():
    polars = pytest.importorskip("polars")
    assert listed(tag_rows(polars.DataFrame({"words": WORDS, "labels": TAGS}))) == listed(
        tag_rows([*zip(WORDS, TAGS, strict=False)])
    )
    assert listed(tag_rows(polars.DataFrame({"text": TEXTS, "entities": SPANS}))) == listed(
        tag_rows({"text": TEXTS, "entities": SPANS})
    )


def test_columns_by_other_names_and_documents():
    table = {"w": WORDS, "y": TAGS, "d": ["a", "a"]}
    made = tag_rows(table, words="w", label="y", document="d", separator="")
    assert [(row["text"], row["document"]) for row in made.as_numpy_iterator()] == [
        (b"AdaLovelaceslept", 0),
        (b"InGraz", 0),
    ]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([{"words": ["a"], "labels": []}], "row 0: 1 words in 'words', 0 tags in 'labels'"),
        ([{"words": ["a", ""], "labels": ["O", "O"]}], "row 0: field 'words': expected a list of strings, none empty"),
        ([{"words": ["a"], "ner_tags": [3]}], "row 0: field 'ner_tags': expected a list of strings"),
        ([{"words": "a b", "labels": ["O", "O"]}], "row 0: field 'words': expected a list of strings"),
        (
            [{"words": ["a"], "gold": ["O"]}],
            "expected rows of 'words' and as many 'labels', .* the columns are: 'words', 'g",
        ),
        ([{"text": "ab", "entities": [{"start": 0, "end": 9, "label": "X"}]}], "row 0: .* outside the text"),
        ([{"words": ["a"], "labels": ["B-X"]}, {"words": ["a"]}], "row 1: no 'labels', which other rows have"),
        ({"words": [], "labels": []}, "there are no rows"),
        ("rows.jsonl", r"of a file with keras_bert.data.read_tags\(file\), or a list of dicts"),
        (["a b"], "received list"),
    ],
)
def test_what_is_no_row_of_tagged_words(table, message: str):
    with pytest.raises(InputError, match=message):
        tag_rows(table)
    with pytest.raises(InputError, match="row 1: unknown tag 'B-LOC'; the labels are: B-PER, I-PER, O"):
        tag_rows([*zip(WORDS, TAGS, strict=False)], labels=["O", "B-PER", "I-PER"])


def test_words_of_tables_to_answer():
    assert given_words({"tokens": WORDS}) == WORDS
    assert given_words(Frame({"words": [np.array(words) for words in WORDS]})) == WORDS
    for other in (TEXTS, {"text": TEXTS, "words": WORDS}, Frame({"text": TEXTS}), [{"words": ["a"]}]):
        assert given_words(other) is None
