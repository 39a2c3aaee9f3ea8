"""Rows with several choices, one of them right, as a `tf.data.Dataset`."""

import os
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_bert.data.sources.lines import MAX_LINE_BYTES, TextFormat
from keras_bert.data.sources.read import open_source
from keras_bert.data.sources.source import Source, utf8
from keras_bert.errors import InputError


def read_choices(
    source: str | os.PathLike,
    text: str = "text",
    choices: str | Sequence[str] = "choices",
    label: str | None = None,
    *,
    question: str | None = None,
    columns: Sequence[str] | None = None,
    split: str | None = None,
    data_dir: str | os.PathLike | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    quoting: bool | None = None,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> tf.data.Dataset:
    r"""Reads rows of a text and its choices, two or more; rows may differ in how many they have.

    Args:
        source: As for `keras_bert.data.read`.
        text: Name of the column (field) with the text.
        choices: Names of the columns with the choices, such as SWAG's `["ending0", "ending1", "ending2", "ending3"]`;
            or, in JSON, the name of one field with a list of them. A row with fewer leaves its last columns empty.
        label: Name of the column with the number of the right choice, counted from 0.
        question: Name of the column with a question about the text, whose answers the choices are.
        columns: The names of all columns of a `.csv` or `.tsv` file that has no header line.
        split: Part of a `tfds:` source, `train` unless given.
        data_dir: TFDS's folder of data sets.
        encoding: As for `keras_bert.data.read`, like the rest.
        delimiter: What divides fields.
        quoting: Fields may stand in quotation marks.
        max_line_bytes: A longer line is an error.

    Returns:
        A data set of known cardinality with dicts of `text`: tf.string (); `choices`: tf.string (choices,), the most
        that a row has, filled up with empty strings; `question`: tf.string () and `label`: int32 (), if asked for.

    Raises:
        InputError: Anything wrong with the source: the line says the file, the row and field, and what was expected.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("val.csv").write_text("start,ending0,ending1,label\nShe opens,the door.,the sea.,0\n")
        >>> rows = read_choices("val.csv", "start", ["ending0", "ending1"], "label")
        >>> next(rows.as_numpy_iterator())["choices"].tolist()
        [b'the door.', b'the sea.']
    """
    names = [choices] if isinstance(choices, str) else list(choices)
    if not names:
        raise InputError("choices: name at least one column")
    wanted = [text, *names, *([question] if question else []), *([label] if label else [])]
    text_format = TextFormat(encoding, max_line_bytes, delimiter, quoting)
    found = open_source(source, wanted, columns, split, data_dir, text_format)
    texts: list[bytes] = []
    questions: list[bytes] = []
    endings: list[list[bytes]] = []
    labels: list[int] = []
    for number, values in found.rows:
        place = found.place(number)
        texts.append(utf8(found, number, text, values[0]))
        row = _choices(found, number, names, values[1 : 1 + len(names)])
        endings.append(row)
        if question:
            questions.append(utf8(found, number, question, values[1 + len(names)]))
        if label:
            labels.append(_number(place, label, values[-1], len(row)))
    if not texts:
        raise InputError(f"{found.name}: there are no rows")
    most = max(map(len, endings))
    filled = [row + [b""] * (most - len(row)) for row in endings]
    parts: dict[str, Any] = {"text": tf.constant(texts), "choices": tf.constant(filled)}
    if question:
        parts["question"] = tf.constant(questions)
    return tf.data.Dataset.from_tensor_slices(parts | ({"label": tf.constant(labels, tf.int32)} if label else {}))


def _choices(found: Source, number: int, names: list[str], values: list[Any]) -> list[bytes]:
    """The choices of one row in UTF-8: a column each, or a list in one field."""
    place = found.place(number)
    if len(names) > 1:
        row = [utf8(found, number, name, value or "") for name, value in zip(names, values, strict=True)]
        while row and not row[-1].strip():
            row.pop()
        if len(row) < 2 or not all(choice.strip() for choice in row):
            empty = names[[*map(bytes.strip, row), b""].index(b"")]
            raise InputError(
                f"{place}: field {empty!r}: an empty choice; only the last ones may be missing, 2 are needed"
            )
        return row
    value = values[0]
    if not isinstance(value, list | tuple) or len(value) < 2:
        raise InputError(
            f"{place}: field {names[0]!r}: expected a list of 2 or more strings, found {value!r:.40}; "
            "choices that have a column each are named one by one"
        )
    row = [utf8(found, number, names[0], choice) for choice in value]
    if not all(choice.strip() for choice in row):
        raise InputError(f"{place}: field {names[0]!r}: an empty choice in {value!r:.60}")
    return row


def _number(place: str, field: str, value: Any, count: int) -> int:
    """The number of the right choice."""
    text = value if isinstance(value, str) else str(value) if type(value) is int else ""
    if not text.strip().isdecimal() or int(text) >= count:
        raise InputError(
            f"{place}: field {field!r}: expected the number of the right choice, 0 to {count - 1}, found {value!r:.40}"
        )
    return int(text)
