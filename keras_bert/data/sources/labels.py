"""Labels as they stand in a row: checked, and as TensorFlow wants them; the label names of a data set."""

import ast
import collections
import math
import re
from collections.abc import Collection, Sequence
from typing import Any

import tensorflow as tf

from keras_bert.data.class_names import class_name
from keras_bert.data.sources.tensors import labels_in
from keras_bert.errors import InputError

LABEL_TYPES = ("class", "number", "classes")

MISSING = frozenset(("nan", "NaN", "NAN", "<NA>", "NaT"))
"""What pandas writes for a label that is not there, where it is told to write something."""

# A list as Python, JSON or NumPy write it: items in quotation marks, or numbers.
_QUOTED = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_ITEM = rf"(?:{_QUOTED}|[+-]?\d+(?:\.\d*)?)"
_ITEMS = r"\s*{0}(?:(?:\s*,\s*|\s+){0})*\s*,?\s*"
# A tuple or a set of Python has its items in quotation marks: a class may be called (1).
_LIST = re.compile(
    rf"\[(?:{_ITEMS.format(_ITEM)}|\s*)\]|\({_ITEMS.format(_QUOTED)}\)|\{{{_ITEMS.format(_QUOTED)}\}}|set\(\)"
)
# As Spark and R write one, without quotation marks.
_BARE_LIST = re.compile(r"\[[^\[\]'\"]*,[^\[\]'\"]*\]")


def parse_class(place: str, field: str, value: Any, labels: Collection[str] | None) -> str:
    """One label as a string; white space at both ends is dropped.

    Raises:
        InputError: An empty label, or one that is not in `labels`.
    """
    try:
        label = class_name(value)
    except InputError as error:
        raise InputError(f"{place}: field {field!r}: {error}") from None
    if not label:
        raise InputError(f"{place}: field {field!r}: the label is empty")
    if labels is None and label in MISSING:
        raise InputError(
            f"{place}: field {field!r}: {label!r} looks like a label that is missing; leave the row out, or, if it is "
            "the name of a class, name all classes: labels=[...] (--labels)"
        )
    if any("\ud800" <= character <= "\udfff" for character in label):
        raise InputError(f"{place}: field {field!r}: half of a surrogate pair in {label!r:.60} is no text")
    if isinstance(value, str) and is_listed(label):
        raise InputError(
            f"{place}: field {field!r}: {label!r:.60} looks like a list of labels; read several labels a row with "
            "label_type='classes' (--multi_label)"
        )
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
    elif isinstance(value, str):
        text = value.strip()
        parts = _listed(text) if is_listed(text) else text.split(separator) if text else []
    else:
        parts = [value]
    if all(map(_is_mark, parts)) and (len(parts) > 2 or (len(parts) == 2 and parts[0] == parts[1])):
        raise InputError(
            f"{place}: field {field!r}: {value!r:.60} looks like a 0 or 1 for each class; write the names of the "
            "row's classes, or give the rows in memory, keras_bert.data.rows(texts, labels)"
        )
    return list(dict.fromkeys(parse_class(place, field, part, labels) for part in parts))


def is_listed(text: str) -> bool:
    """Says whether a text is a list as Python, JSON or NumPy write it, `['x', 'y']`, or a tuple or a set."""
    return (_LIST.fullmatch(text) or _BARE_LIST.fullmatch(text)) is not None


def _is_mark(label: Any) -> bool:
    return label in ("0", "1", "0.0", "1.0") or (isinstance(label, int | float) and label in (0, 1))


def _listed(text: str) -> list[str]:
    """The items of a list that stands in a cell: `['x', 'y']`."""
    if not _LIST.fullmatch(text):
        return [item.strip() for item in text[1:-1].split(",")]
    items = re.findall(_ITEM, text)
    return [str(ast.literal_eval(item)) if item[0] in "'\"" else item for item in items]


def parse_number(place: str, field: str, value: Any) -> float:
    """A label that is a finite number.

    Raises:
        InputError: No number, or nan, or infinite (in float32 too).
    """
    try:
        if isinstance(value, bool) or value is None:
            raise ValueError
        number = float(value)
    except (ValueError, TypeError, OverflowError):
        raise InputError(f"{place}: field {field!r}: expected a number, found {value!r:.60}") from None
    if not math.isfinite(number) or abs(number) > tf.float32.max:
        raise InputError(f"{place}: field {field!r}: expected a finite number, found {value!r:.60}")
    return number


def parse_weight(place: str, field: str, value: Any) -> float:
    """The weight of a row in the loss.

    Raises:
        InputError: No finite number, or one below 0.
    """
    weight = parse_number(place, field, value)
    if weight < 0:
        raise InputError(f"{place}: field {field!r}: expected a weight of 0 or more, found {value!r:.60}")
    return weight


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
    return sort_labels(label_counts(rows))


def label_counts(rows: tf.data.Dataset) -> dict[str, int]:
    """The distinct labels of a data set, and how often each is there, in one pass.

    Args:
        rows: As for `label_names`.

    Raises:
        InputError: As `label_names`.
    """
    spec = rows.element_spec
    if not isinstance(spec, dict) or "label" not in spec:
        raise InputError("the rows have no label: name the label's column when reading them")
    if spec["label"].dtype.is_floating:
        raise InputError(
            "the label of these rows is a number, not a class: it has no names; numbers that are names of classes are "
            "read with label_type='class'"
        )
    counts: collections.Counter[Any] = collections.Counter()
    for values in labels_in(rows):
        counts.update(values.ravel().tolist())
    names: dict[str, int] = {}
    for value, count in counts.items():
        names[class_name(value)] = names.get(class_name(value), 0) + count
    return names


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
