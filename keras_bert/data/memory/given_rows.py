"""The one place that looks at what a task was given as rows, or as batches."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.data.memory.rows import rows
from keras_bert.data.memory.table import table_of, values_of
from keras_bert.errors import InputError
from keras_bert.graph import as_written

BATCHES_FIRST = (
    "fit, evaluate and predict take batches of numbers: model.fit(model.batches(rows, batch_size=32, shuffle=True)); "
    "rows are made of texts and labels by keras_bert.data.rows(texts, labels), of files by keras_bert.data.read(file); "
    "model.evaluate_rows(rows) scores rows, model.answer(texts) answers texts"
)


def given_rows(given: Any, fields: Sequence[str]) -> tf.data.Dataset:
    """Makes a data set of dicts, one a row, of whatever a task was given as rows.

    Args:
        given: What `keras_bert.data.read` or `rows` gave, which comes back as it is. Or another data set of rows or of
            batches of rows: of dicts, of texts, of `(text, label)` or `(text, label, weight)`, where a text may be a
            pair. Or a table or a list as `rows` takes it; or a list of tuples of texts, label and perhaps weight.
        fields: The texts of a row, such as `("text", "text_pair")`.

    Raises:
        InputError: It is something else; says what to pass.
    """
    if isinstance(given, tf.data.Dataset):
        return _unbatched(_named(given, fields), fields)
    if isinstance(given, str | bytes | os.PathLike):
        raise InputError(f"expected rows, received {given!r:.80}; read a file with keras_bert.data.read(file)")
    if table_of(given) is not None:
        return rows(given)
    items = values_of(given, "rows")
    if items and all(isinstance(item, list | tuple) for item in items):
        size = len(items[0])
        if size in (len(fields) + 1, len(fields) + 2) and all(len(item) == size for item in items):
            columns = [list(column) for column in zip(*items, strict=True)]
            texts = dict(zip(fields, columns[: len(fields)], strict=True))
            return rows(texts, *columns[len(fields) : len(fields) + 1], weights=[*columns[len(fields) + 1 :], None][0])
    return rows(items)


def given_texts(
    given: Any, fields: Sequence[str], call: str = "answer", instead: str = "texts; for one text write answer([text])"
) -> list[Any]:
    """Makes a list, an entry a row, of whatever a task was given to answer.

    Args:
        given: A list, an array, a tensor or a column; or a table or a data set with the columns of `fields`.
        fields: The texts of a row.
        call: The method's name, for messages.
        instead: What it takes a list of, and how one is written, for messages.

    Raises:
        InputError: A single text, or what is no list.
    """
    is_one_row = isinstance(given, Mapping) and all(isinstance(value, str | bytes) for value in given.values())
    if is_one_row or isinstance(given, str | bytes):
        raise InputError(f"{call} takes a list of {instead}")
    if isinstance(given, tf.data.Dataset):
        found = given_rows(given, fields)
        if isinstance(found.element_spec, dict):
            _check_columns(list(found.element_spec), fields)
        return [
            tuple(row[name] for name in fields) if len(fields) > 1 else row[fields[0]]
            for row in found.as_numpy_iterator()
        ]
    if isinstance(given, list | tuple):
        return list(given)  # each row says itself what it is
    table = table_of(given)
    if table is None:
        return [item.tolist() if isinstance(item, np.ndarray) else item for item in values_of(given, f"{call}: texts")]
    _check_columns(table.names, fields)
    columns = [table.column(name, name) for name in fields]
    return columns[0] if len(fields) == 1 else list(zip(*columns, strict=True))


def refuse_texts(given: Any) -> None:
    """Refuses texts where Keras' own methods take batches of numbers.

    Raises:
        InputError: Says what to pass.
    """
    if _holds_text(given):
        raise InputError(BATCHES_FIRST)


def _holds_text(given: Any) -> bool:
    if isinstance(given, str | bytes):
        return True
    if isinstance(given, tf.data.Dataset):
        return any(getattr(spec, "dtype", None) == tf.string for spec in tf.nest.flatten(given.element_spec))
    if isinstance(given, Mapping):
        return any(map(_holds_text, given.values()))
    if isinstance(given, list | tuple):
        return bool(given) and _holds_text(given[0])
    if hasattr(given, "columns") or hasattr(given, "column_names"):
        return True
    dtype = getattr(given, "dtype", None)
    return dtype == tf.string or getattr(dtype, "kind", "") in ("O", "S", "U") or str(dtype) in ("str", "string")


def _check_columns(names: Sequence[str], fields: Sequence[str]) -> None:
    missing = [name for name in fields if name not in names]
    if missing:
        columns, takes = ", ".join(map(repr, names)), " and ".join(fields)
        raise InputError(
            f"no column {missing[0]!r}; the task takes {takes}, the columns are: {columns}; rename one, or give "
            "the columns alone, such as df['review']"
        )


def _named(given: tf.data.Dataset, fields: Sequence[str]) -> tf.data.Dataset:
    """Gives names to the parts of a row that has none."""
    spec = given.element_spec
    if isinstance(spec, dict):
        if "token_ids" in spec:
            raise InputError("these are batches of numbers already, as fit takes them; rows have texts")
        return given
    if not isinstance(spec, tuple):
        spec, given = (spec,), given.map(as_written(lambda row: (row,)))
    if isinstance(spec[0], dict) and "token_ids" in spec[0]:
        raise InputError("these are batches of numbers already, as fit takes them; rows have texts")
    flat = len(spec) > 1 and len(fields) == 2 and _is_text(spec[0]) and _is_text(spec[1])
    after = spec[2:] if flat else spec[1:]
    texts = spec[:2] if flat else spec[0] if isinstance(spec[0], tuple | dict) else (spec[0],)
    if len(after) > 2 or len(texts) < len(fields) or not all(map(_is_text, tf.nest.flatten(texts))):
        takes = " and ".join(fields)
        raise InputError(f"expected rows of {takes} and a label, (text, label) or a dict; the data set has: {spec}")

    def name(*parts: Any) -> dict[str, Any]:
        texts = parts[:2] if flat else parts[0]
        if not isinstance(texts, dict):
            texts = dict(zip(fields, texts if isinstance(texts, tuple) else (texts,), strict=True))
        return {**texts, **dict(zip(("label", "weight"), parts[2:] if flat else parts[1:], strict=False))}

    return given.map(as_written(name))


def _is_text(spec: Any) -> bool:
    return getattr(spec, "dtype", None) == tf.string


def _unbatched(given: tf.data.Dataset, fields: Sequence[str]) -> tf.data.Dataset:
    """Takes batches of rows apart."""
    first = given.element_spec.get(fields[0])
    rank = 0 if first is None else first.shape.rank
    if rank is None or rank > 1:
        raise InputError(f"{fields[0]!r} of the data set has the shape {first.shape}; expected a string a row")
    return given.unbatch() if rank == 1 else given
