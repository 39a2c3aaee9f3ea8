"""A text with tagged words: made of words, or of a text with spans."""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_bert.data.tags.tag_schemes import OUTSIDE, parse_tag
from keras_bert.errors import InputError
from keras_bert.text.character_offsets import bytes_of
from keras_bert.text.words import split_words


class TaggedText(NamedTuple):
    """A text, where its words stand, and the tag of each.

    Attributes:
        text: UTF-8.
        starts: int64 (words,), first byte of each word.
        ends: int64 (words,), the byte behind it.
        tags: As many.
        document: Number of the document that it is of.
    """

    text: bytes
    starts: np.ndarray
    ends: np.ndarray
    tags: list[str]
    document: int


class Span(NamedTuple):
    """An entity in a text.

    Attributes:
        start: Its first character.
        end: The character behind it.
        label: Its type.
    """

    start: int
    end: int
    label: str


def join_words(words: Sequence[bytes], tags: list[str], separator: bytes, document: int) -> TaggedText:
    """Makes a text of words.

    Args:
        words: UTF-8.
        tags: As many.
        separator: What stands between the words in the text.
        document: Number of the document.
    """
    lengths = np.array([len(word) for word in words], np.int64)
    starts = np.cumsum(lengths + len(separator)) - lengths - len(separator)
    return TaggedText(separator.join(words), starts, starts + lengths, tags, document)


def parse_spans(place: str, field: str, value: Any, text: str) -> list[Span]:
    """Checks the spans of a row, and puts them in order.

    Args:
        place: The row's, for messages.
        field: The field's name.
        value: What JSON has there: a list of objects with `start`, `end` (characters) and `label`; or, as doccano
            writes them, of lists `[start, end, label]` or objects with `start_offset`, `end_offset` and `label`.
        text: The text that they are of.

    Raises:
        InputError: It is no such list; a span lies outside the text, is empty, or overlaps another.
    """
    if not isinstance(value, list):
        raise InputError(f"{place}: field {field!r}: expected a list of spans, found {type(value).__name__}")
    spans = []
    for item in map(_as_object, value):
        keys = ("start", "end", "label")
        if not isinstance(item, dict) or not all(key in item for key in keys):
            raise InputError(f"{place}: field {field!r}: expected spans with start, end and label, found {item!r:.60}")
        start, end, label = (item[key] for key in keys)
        if not all(isinstance(number, int) and not isinstance(number, bool) for number in (start, end)):
            raise InputError(f"{place}: field {field!r}: start and end are numbers of characters, found {item!r:.60}")
        if not isinstance(label, str) or not label.strip() or label.strip() == OUTSIDE:
            raise InputError(f"{place}: field {field!r}: label {label!r:.40} is no name of a type")
        if not 0 <= start < end <= len(text):
            why = "empty" if 0 <= start == end <= len(text) else "outside the text"
            raise InputError(
                f"{place}: field {field!r}: span {start} to {end} is {why}, which has {len(text)} characters"
            )
        spans.append(Span(start, end, label.strip()))
    spans.sort()
    for first, second in itertools.pairwise(spans):
        if second.start < first.end:
            shown = " and ".join(f"{span.start} to {span.end} ({span.label})" for span in (first, second))
            raise InputError(f"{place}: field {field!r}: spans {shown} overlap; a word can be of one only")
    return spans


def _as_object(item: Any) -> Any:
    """Makes of a span of doccano, in either of its layouts, an object with `start`, `end` and `label`."""
    if isinstance(item, list) and len(item) == 3:
        return dict(zip(("start", "end", "label"), item, strict=True))
    if isinstance(item, dict) and "start_offset" in item and "start" not in item:
        names = {"start_offset": "start", "end_offset": "end"}
        return {names.get(name, name): value for name, value in item.items()}
    return item


def tag_words(place: str, field: str, text: str, spans: Sequence[Span], document: int) -> tuple[TaggedText, list[Span]]:
    """Tags the words of a text that spans touch, in IOB2.

    Args:
        place: The row's, for messages.
        field: The field's name.
        text: The text.
        spans: In order, none over another.
        document: Number of the document.

    Returns:
        The text with its tagged words, and the spans that begin or end inside a word: these words are tagged whole.

    Raises:
        InputError: There is no word in the text or in a span, or two spans touch one word.
    """
    words = split_words(text)
    if not words:
        raise InputError(f"{place}: the text has no words")
    starts, ends = np.array(words).T
    tags = [OUTSIDE] * len(words)
    cut = []
    for span in spans:
        first, last = np.searchsorted(ends, span.start, "right"), np.searchsorted(starts, span.end) - 1
        if first > last:
            raise InputError(f"{place}: field {field!r}: span {span.start} to {span.end} is blank")
        if tags[first] != OUTSIDE:
            word = text[starts[first] : ends[first]]
            raise InputError(f"{place}: field {field!r}: two spans in the one word {word!r:.40}; a word can be of one")
        if span.start > starts[first] or span.end < ends[last]:
            cut.append(span)
        tags[first : last + 1] = [f"B-{span.label}", *[f"I-{span.label}"] * (last - first)]
    data = text.encode("utf-8")
    return TaggedText(data, bytes_of(data, starts), bytes_of(data, ends), tags, document), cut


def tag_types(tags: Sequence[str]) -> list[str] | None:
    """Returns the types of entities that tags name, sorted; None where the tags mark no entities."""
    parsed = [parse_tag(tag) for tag in tags]
    if any(tag is None for tag in parsed):
        return None
    return sorted({tag.type for tag in parsed if tag is not None and tag.letter != OUTSIDE}) or None
