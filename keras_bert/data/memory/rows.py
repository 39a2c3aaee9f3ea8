"""Rows of what a caller has in memory: lists, arrays, tables."""

import math
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from keras_bert.data.class_names import class_name
from keras_bert.data.memory.table import Table, is_missing, table_of, values_of
from keras_bert.data.sources.labels import (
    LABEL_TYPES,
    MISSING,
    is_listed,
    parse_classes,
    parse_number,
    parse_weight,
)
from keras_bert.data.sources.tensors import dataset_of
from keras_bert.errors import InputError

INT64 = range(-(2**63), 2**63)


def rows(
    texts: Any,
    labels: Any = None,
    *,
    text_pairs: Any = None,
    weights: Any = None,
    text: str = "text",
    text_pair: str | None = None,
    label: str | None = None,
    weight: str | None = None,
    label_type: Literal["class", "number", "classes"] | None = None,
) -> tf.data.Dataset:
    """Makes rows of texts and labels that are in memory.

    Args:
        texts: Strings, or pairs of strings: a list, an array, a tensor, a column of a table. Or a whole table: a dict
            of lists, a list of dicts or of named tuples, a DataFrame of pandas or polars, a table of pyarrow.
        labels: As many labels: strings, numbers, booleans, lists or sets of strings (several a row), or rows of zeros
            and ones with a place for each class.
        text_pairs: As many second texts.
        weights: As many weights of the rows in the loss, 0 or more.
        text: Of a table: the column with the text.
        text_pair: Of a table: the column with the second text; by default `text_pair`, if it is there.
        label: Of a table: the column with the label; by default `label`, if it is there.
        weight: Of a table: the column with the weight; by default `weight`, if it is there.
        label_type: `class`: numbers, and words such as `nan`, are names of classes. `number`: a number to predict.
            `classes`: a list of classes a row, also as `x|y` or `['x', 'y']` in a string. By default labels stay what
            they are; a task takes numbers for what it predicts.

    Returns:
        A data set of known cardinality with dicts of `text`: tf.string (); `text_pair`: tf.string (), `label` and
        `weight`: float32 () where given. Of a table also `choices`: tf.string (choices,), `question` and `negative`:
        tf.string (), where it has these columns.

    Raises:
        InputError: Says the row, from 0, and what was expected.

    Example:
        >>> found = rows(["good film", "bad film"], ["pos", "neg"])
        >>> found.element_spec["label"].dtype
        tf.string
        >>> table = {"review": ["good film", "bad film"], "stars": [5, 1]}
        >>> [int(row["label"]) for row in rows(table, text="review", label="stars")]
        [5, 1]
    """
    if label_type is not None and label_type not in LABEL_TYPES:
        raise InputError(f"label_type {label_type!r}: expected one of {', '.join(LABEL_TYPES)}, or None")
    table = table_of(texts)
    columns: dict[str, Any] = {}
    if table is None:
        columns |= _texts(values_of(texts, "texts"))
    else:
        columns |= _columns(table, text, text_pair)
        labels = _given_or_column(labels, table, "label", label)
        weights = _given_or_column(weights, table, "weight", weight)
    if text_pairs is not None:
        columns["text_pair"] = values_of(text_pairs, "text_pairs")
    count = len(columns["text"])
    if not count:
        raise InputError("there are no rows")
    named = {"labels": labels, "weights": weights}
    named = {name: values_of(values, name) for name, values in named.items() if values is not None}
    for name, values in [*columns.items(), *named.items()]:
        if len(values) != count:
            raise InputError(f"{count} texts, but {len(values)} {name}: one for each text is needed")
    parts: dict[str, Any] = {
        name: [
            _choices(index, value) if name == "choices" else _utf8(index, name, value)
            for index, value in enumerate(values)
        ]
        for name, values in columns.items()
    }
    if "choices" in parts and len({len(row) for row in parts["choices"]}) > 1:
        parts["choices"] = tf.ragged.constant(parts["choices"])
    if "labels" in named:
        parts["label"] = _labels(named["labels"], label_type)
    if "weights" in named:
        parts["weight"] = [
            parse_weight(f"row {index}", "weight", value) for index, value in enumerate(named["weights"])
        ]
    return dataset_of(parts)


def _columns(table: Table, text: str, text_pair: str | None) -> dict[str, list[Any]]:
    """Returns the columns of a table that hold texts."""
    columns = {"text": table.column(text, "text")}
    if text_pair is not None or "text_pair" in table.names:
        columns["text_pair"] = table.column(text_pair or "text_pair", "text_pair")
    return columns | {
        name: table.column(name, name) for name in ("choices", "question", "negative") if name in table.names
    }


def _given_or_column(given: Any, table: Table, name: str, column: str | None) -> Any:
    """Returns what was given beside the table, or else the table's column, or None."""
    if given is not None and column is not None:
        raise InputError(f"{name}s are given, and {name}={column!r} too: leave one of them out")
    if given is not None or (column is None and name not in table.names):
        return given
    return table.column(column or name, name)


def _texts(items: list[Any]) -> dict[str, list[Any]]:
    """Returns texts, or the first and the second texts of pairs."""
    if items and all(isinstance(item, list | tuple | np.ndarray) for item in items):
        for index, item in enumerate(items):
            if len(item) != 2:
                raise InputError(f"row {index}: expected a text or a pair of texts, received: {item!r:.60}")
        return {"text": [item[0] for item in items], "text_pair": [item[1] for item in items]}
    return {"text": items}


def _utf8(index: int, name: str, value: Any) -> bytes:
    """Returns a text in UTF-8."""
    if isinstance(value, bytes):
        try:
            value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"row {index}: {name}: bytes that are not UTF-8 ({error}); decode them first") from None
        return value
    if isinstance(value, str):
        try:
            return value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InputError(f"row {index}: {name}: half of a surrogate pair at character {error.start + 1}") from None
    if is_missing(value):
        raise InputError(f"row {index}: {name}: there is none ({value}); leave such rows out, df.dropna(), or write ''")
    raise InputError(f"row {index}: {name}: expected a string, found {type(value).__name__} {value!r:.60}")


def _choices(index: int, value: Any) -> list[bytes]:
    choices = values_of(value, f"row {index}: choices")
    if not choices:
        raise InputError(f"row {index}: there are no choices")
    return [_utf8(index, "choices", choice) for choice in choices]


def _labels(values: list[Any], label_type: str | None) -> Any:
    """Returns labels as tensors: strings, numbers, or several a row."""
    for index, value in enumerate(values):
        if is_missing(value):
            raise InputError(f"row {index}: label: there is none ({value}); leave such rows out, df.dropna()")
    if label_type == "number":
        return tf.constant([parse_number(f"row {index}", "label", value) for index, value in enumerate(values)])
    values = [sorted(value, key=str) if isinstance(value, set | frozenset) else value for value in values]
    several = [isinstance(value, list | tuple | np.ndarray) for value in values]
    if label_type == "classes" and all(isinstance(value, str | bytes) for value in values):
        strings = [value.decode() if isinstance(value, bytes) else value for value in values]
        return tf.ragged.constant(
            [parse_classes(f"row {index}", "label", value, None, "|") for index, value in enumerate(strings)],
            tf.string,
            ragged_rank=1,
        )
    if any(several) or label_type == "classes":
        return _several(values, several)
    if label_type is None:
        values = [value.item() if isinstance(value, np.generic) else value for value in values]
        kinds = {type(value) for value in values}
        if kinds == {bool}:
            return tf.constant(values)
        if kinds == {int} and all(value in INT64 for value in values):
            return tf.constant(values, tf.int64)
        if kinds <= {int, float} and float in kinds and all(map(math.isfinite, values)):
            return tf.constant(values, tf.float32)
    return tf.constant([_class(index, value, label_type is not None) for index, value in enumerate(values)])


def _class(index: int, value: Any, is_told: bool) -> str:
    try:
        name = class_name(value)
    except InputError as error:
        raise InputError(f"row {index}: label: {error}") from None
    if not name:
        raise InputError(f"row {index}: label: it is empty")
    if is_told:
        return name
    if name in MISSING:
        raise InputError(
            f"row {index}: label: {name!r} looks like a label that is missing; leave such rows out, df.dropna(), or, "
            "if it is the name of a class, say label_type='class'"
        )
    if is_listed(name):
        raise InputError(
            f"row {index}: label: {name!r:.60} looks like a list of labels; for several labels a row say "
            "label_type='classes'"
        )
    return name


def _several(values: list[Any], several: list[bool]) -> Any:
    """Returns rows of several classes, ragged strings; or of a number for each class, float32 (rows, classes)."""
    if not all(several):
        index = several.index(False)
        raise InputError(
            f"row {index}: label: expected a list of labels, as in other rows, found {values[index]!r:.60}"
        )
    lists = [values_of(value, f"row {index}: label") for index, value in enumerate(values)]
    if not any(isinstance(item, str | bytes) for row in lists for item in row):
        sizes = {len(row) for row in lists}
        if len(sizes) > 1 or not sizes - {0}:
            raise InputError(
                f"label: rows of numbers must have one for each class, found rows of {sorted(sizes)} numbers"
            )
        return tf.constant(
            [
                [parse_number(f"row {i}", "label", float(n) if isinstance(n, bool) else n) for n in row]
                for i, row in enumerate(lists)
            ]
        )
    return tf.ragged.constant(
        [parse_classes(f"row {index}", "label", row, None, "|") for index, row in enumerate(lists)], tf.string, 1
    )
