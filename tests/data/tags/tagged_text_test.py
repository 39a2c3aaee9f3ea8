"""Texts with spans become texts with tagged words: worked out by hand."""

from typing import Any

import pytest

from keras_bert.data.tags.tagged_text import Span, join_words, parse_spans, tag_types, tag_words
from keras_bert.errors import InputError

TEXT = "Zoë Ångström flog nach 北京."


def words_of(row: Any) -> list[str]:
    return [row.text[start:end].decode() for start, end in zip(row.starts, row.ends, strict=True)]


def test_words_are_joined():
    row = join_words(["né".encode(), b"in", "北京".encode()], ["O", "O", "B-LOC"], b" ", 7)
    assert (row.text.decode(), words_of(row), row.document) == ("né in 北京", ["né", "in", "北京"], 7)
    assert words_of(join_words(["北".encode(), b"1", b"2"], ["O"] * 3, b"", 0)) == ["北", "1", "2"]


def test_the_words_that_a_span_touches_are_tagged():
    row, cut = tag_words("row", "label", TEXT, [Span(0, 12, "PER"), Span(23, 25, "LOC")], 3)
    assert words_of(row) == ["Zoë", "Ångström", "flog", "nach", "北", "京", "."]
    assert row.tags == ["B-PER", "I-PER", "O", "O", "B-LOC", "I-LOC", "O"]
    assert (cut, row.document) == ([], 3)


def test_a_span_that_cuts_words_is_widened_and_told():
    spans = [Span(1, 5, "PER"), Span(13, 18, "X")]
    row, cut = tag_words("row", "label", TEXT, spans, 0)
    assert row.tags == ["B-PER", "I-PER", "B-X", "O", "O", "O", "O"]
    assert cut == spans[:1], "a blank at its end is no cut"


def test_two_spans_in_a_word_are_refused():
    with pytest.raises(InputError, match="line 3: field 'label': two spans in the one word 'flog'"):
        tag_words("line 3", "label", TEXT, [Span(13, 15, "X"), Span(15, 17, "Y")], 0)


@pytest.mark.parametrize(("text", "message"), [("  \t", "the text has no words"), ("a   b", "span 2 to 4 is blank")])
def test_nothing_to_tag(text: str, message: str):
    with pytest.raises(InputError, match=message):
        tag_words("row", "label", text, [Span(2, 4, "X")] if text.strip() else [], 0)


def test_spans_are_put_in_order():
    value = [{"start": 4, "end": 6, "label": " B "}, {"start": 0, "end": 4, "label": "A", "id": 1}]
    assert parse_spans("row", "label", value, TEXT) == [Span(0, 4, "A"), Span(4, 6, "B")]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("PER", "expected a list of spans, found str"),
        ([{"start": 0, "end": 3}], "expected spans with start, end and label"),
        ([[0, 3]], "expected spans with start, end and label"),
        ([[0, "3", "PER"]], "start and end are numbers of characters"),
        ([{"start": 0, "end": 3.0, "label": "PER"}], "start and end are numbers of characters"),
        ([{"start": True, "end": 3, "label": "PER"}], "start and end are numbers of characters"),
        ([{"start": 0, "end": 3, "label": ""}], "label '' is no name of a type"),
        ([{"start": 0, "end": 3, "label": "O"}], "label 'O' is no name of a type"),
        ([{"start": 20, "end": 27, "label": "X"}], "span 20 to 27 is outside the text, which has 26 characters"),
        ([{"start": -1, "end": 3, "label": "X"}], "span -1 to 3 is outside the text"),
        ([{"start": 3, "end": 2, "label": "X"}], "span 3 to 2 is outside the text"),
        ([{"start": 3, "end": 3, "label": "X"}], "span 3 to 3 is empty"),
        (
            [{"start": 0, "end": 5, "label": "X"}, {"start": 4, "end": 8, "label": "Y"}],
            r"spans 0 to 5 \(X\) and 4 to 8 \(Y\) overlap",
        ),
    ],
)
def test_spans_that_are_none_are_refused(value: Any, message: str):
    assert len(TEXT) == 26
    with pytest.raises(InputError, match=f"line 3: field 'label': .*{message}"):
        parse_spans("line 3", "label", value, TEXT)


def test_types_of_entities():
    assert tag_types(["O", "B-LOC", "I-PER", "I-LOC"]) == ["LOC", "PER"]
    assert tag_types(["O", "NN"]) is None
