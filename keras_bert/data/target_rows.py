"""Rows with a text to be read and a text to be written that are in memory: pairs, lists of dicts, tables."""

from typing import Any

import tensorflow as tf

from keras_bert.data.memory.rows import rows
from keras_bert.data.memory.table import table_of
from keras_bert.errors import InputError


def target_rows(given: Any, targets: Any = None) -> tf.data.Dataset:
    """Makes rows of texts and targets that are in memory, as `read_targets` makes them of files.

    Args:
        given: A data set of rows, which comes back as it is; a table, as `rows` takes it, with `text` and `target`; a
            list of pairs; or texts.
        targets: As many strings, beside texts.

    Returns:
        A data set of dicts of `text` and `target`: tf.string ().

    Raises:
        InputError: Says the row, from 0, and what was expected.

    Example:
        >>> found = target_rows([("ein hund", "a dog"), ("zwei hunde", "two dogs")])
        >>> [row["target"] for row in found.as_numpy_iterator()]
        [b'a dog', b'two dogs']
    """
    if isinstance(given, tf.data.Dataset) and targets is None:
        spec = given.element_spec
        if not isinstance(spec, dict) or not {"text", "target"} <= set(spec):
            raise InputError("the rows have no target: each needs the text to be written beside the text to be read")
        return given
    table = None if isinstance(given, str | bytes) else table_of(given)
    if table is not None and targets is None:
        if missing := [name for name in ("text", "target") if name not in table.names]:
            there = ", ".join(map(repr, table.names))
            raise InputError(f"no column {missing[0]!r}; rows have text and target, the columns are: {there}")
        given, targets = (table.column(name, name) for name in ("text", "target"))
    pairs = rows(given, text_pairs=targets)
    if set(pairs.element_spec) != {"text", "text_pair"}:
        raise InputError("expected texts and targets: pairs, a table with text and target, or two lists")
    columns: dict[str, list[bytes]] = {"text": [], "target": []}
    for index, row in enumerate(pairs.as_numpy_iterator()):
        if not row["text_pair"].strip():
            raise InputError(f"row {index}: target: it is empty")
        columns["text"].append(row["text"])
        columns["target"].append(row["text_pair"])
    return tf.data.Dataset.from_tensor_slices(columns)
