"""Rows of tagged words that are in memory: lists of dicts, tables."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_bert.data.memory.table import Table, plain_value, table_of
from keras_bert.data.tags.read_tags import joined, tag_dataset, texts_with_spans, words_with_tags
from keras_bert.data.tags.tag_schemes import SCHEMES
from keras_bert.errors import InputError

WORDS = ("words", "tokens")
"""Names that a column of words has, where none is said."""

TAGS = ("labels", "label", "tags", "ner_tags")
"""Names that a column of tags has."""

SPANS = ("labels", "label", "entities", "spans")
"""Names that a column of spans has."""


def tag_rows(
    table: Any,
    *,
    words: str | None = None,
    text: str = "text",
    label: str | None = None,
    document: str | None = None,
    scheme: str = "auto",
    labels: Sequence[str] | None = None,
    separator: str = " ",
) -> tf.data.Dataset:
    """Makes rows of tagged words, or of texts with spans, that are in memory, as `read_tags` makes them of files.

    Args:
        table: A list of dicts, a dict of lists, a DataFrame; or a list of pairs of words and tags.
        words: Column with the lists of words; by default `words` or `tokens`, if one is there.
        text: Column with the texts, where there are no words.
        label: Column with as many tags as words, or with the spans of the text (`start`, `end`, in characters, and
            `label`); by default the one that is called like that (`labels`, `tags`, `entities`, ...).
        document: Column that says which document a row is of.
        scheme: See `read_tags`.
        labels: See `read_tags`.
        separator: See `read_tags`.

    Returns:
        What `read_tags` gives.

    Raises:
        InputError: Says the row, from 0, and what was expected.

    Example:
        >>> made = tag_rows([{"words": ["Ada", "slept"], "labels": ["B-PER", "O"]}])
        >>> next(made.as_numpy_iterator())["label"].tolist()
        [b'B-PER', b'O']
    """
    if scheme not in ("auto", *SCHEMES):
        raise InputError(f"scheme {scheme!r}: expected one of auto, {', '.join(SCHEMES)}")
    found = _table(table)
    known = None if labels is None else frozenset(labels)
    words = words or next((name for name in WORDS if name in found.names), None)
    field = words or text
    label = label or next((name for name in (SPANS if words is None else TAGS) if name in found.names), None)
    if label is None or field not in found.names:
        raise InputError(
            "expected rows of 'words' and as many 'labels', or of 'text' and 'entities' with start, end and label; "
            f"the columns are: {', '.join(map(repr, found.names))}"
        )
    names = [field, label, *([document] if document else [])]
    columns = [found.column(name, name) for name in names]
    places = (f"row {index}" for index in range(len(columns[0])))
    rows = zip(places, ([plain_value(value) for value in row] for row in zip(*columns, strict=True)), strict=True)
    if words is None:
        return tag_dataset(texts_with_spans("the rows", rows, text, label, document, known))
    tagged = list(words_with_tags("the rows", rows, words, label, document))
    return tag_dataset(joined("the rows", tagged, scheme, known, separator))


def given_words(given: Any) -> list[list[str]] | None:
    """Returns the words of the rows of a table that has such a column and no text; None for anything else."""
    table = None if isinstance(given, list | tuple | tf.data.Dataset) else table_of(given)
    name = None if table is None else next((name for name in WORDS if name in table.names), None)
    if table is None or name is None or "text" in table.names:
        return None
    return [plain_value(row) for row in table.column(name, name)]


def _table(given: Any) -> Table:
    if isinstance(given, list | tuple) and given and all(isinstance(row, tuple) and len(row) == 2 for row in given):
        given = {"words": [row[0] for row in given], "labels": [row[1] for row in given]}
    table = None if isinstance(given, str | bytes) else table_of(given)
    if table is None:
        raise InputError(
            "expected rows of tagged words: of a file with keras_bert.data.read_tags(file), or a list of dicts with "
            f"words and labels; received {type(given).__name__} {given!r:.60}"
        )
    return table
