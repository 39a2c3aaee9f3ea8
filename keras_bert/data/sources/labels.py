"""Labels as they stand in a row: checked, and as TensorFlow wants them; the label names of a data set."""

import math
from collections.abc import Collection, Sequence
from typing import Any

import tensorflow as tf

from keras_bert.errors import InputError

LABEL_TYPES = ("class", "number", "classes")


def parse_class(place: str, field: str, value: Any, labels: Collection[str] | None) -> str:
    """One label as a string; white space at both ends is dropped.

    Raises:
        InputError: An empty label, or one that is not in `labels`.
    """
    if isinstance(value, bool):
        value = "true" if value else "false"
    if not isinstance(value, str | int | float) and value is not None:
        raise InputError(f"{place}: field {field!r}: expected one label, found {type(value).__name__} {value!r:.40}")
    label = "" if value is None else str(value).strip()
    if not label:
        raise InputError(f"{place}: field {field!r}: the label is empty")
    if labels is not None and label not in labels:
        raise InputError(f"{place}: field {field!r}: unknown label {label!r:.60}; expected {_shortened(labels)}")
    return label


def parse_classes(place: str, field: str, value: Any, labels: Collection[str] | None, separator: str) -> list[str]:
    """The labels of a multi-label row: a string divided by `separator`, or a list; empty means no label.

    Raises:
        InputError: An empty label between separators, or one that is not in `labels`.
    """
    if value is None:
        return []
    if isinstance(value, list | tuple):
        parts = list(value)
    else:
        text = str(value)
        parts = text.split(separator) if text.strip() else []
    return list(dict.fromkeys(parse_class(place, field, part, labels) for part in parts))


def parse_number(place: str, field: str, value: Any) -> float:
    """A label that is a finite number.

    Raises:
        InputError: No number, or nan, or infinite (in float32 too).
    """
    try:
        if isinstance(value, bool) or value is None:
            raise ValueError
        number = float(value)
    except (ValueError, TypeError):
        raise InputError(f"{place}: field {field!r}: expected a number, found {value!r:.60}") from None
    if not math.isfinite(number) or abs(number) > tf.float32.max:
        raise InputError(f"{place}: field {field!r}: expected a finite number, found {value!r:.60}")
    return number


def label_names(rows: tf.data.Dataset) -> list[str]:
    """The distinct labels of a data set, sorted (as numbers where all of them are integers).

    Args:
        rows: What `read` gives, with string labels: one a row, or several (multi-label).

    Raises:
        InputError: The rows have no label, or the label is a number to predict.

    Example:
        >>> rows = tf.data.Dataset.from_tensor_slices({"label": ["10", "9", "10"]})
        >>> label_names(rows)
        ['9', '10']
    """
    spec = rows.element_spec
    if not isinstance(spec, dict) or "label" not in spec:
        raise InputError("the rows have no label: name the label's column when reading them")
    if spec["label"].dtype != tf.string:
        raise InputError("the label of these rows is a number, not a class: it has no names")
    names: set[bytes] = set()
    for batch in rows.map(lambda row: row["label"]).ragged_batch(4096):
        values = batch.flat_values if isinstance(batch, tf.RaggedTensor) else batch
        names.update(values.numpy().tolist())
    return sort_labels({name.decode("utf-8") for name in names})


def sort_labels(names: Collection[str]) -> list[str]:
    """Labels in a stable order: 2 before 10 where every one is a whole number, else by code points."""
    names = sorted(set(names))
    try:
        return sorted(names, key=int)
    except ValueError:
        return names


def _shortened(labels: Collection[str], limit: int = 8) -> str:
    """The first labels in words, and how many there are when they are many."""
    shown: Sequence[str] = list(labels)[:limit]
    words = ", ".join(repr(label) for label in shown)
    return f"one of {words}" + (f", ... ({len(labels)} labels)" if len(labels) > limit else "")
