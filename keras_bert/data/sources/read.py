"""Rows from a file, a TFDS data set or the libraries on the machine, as a `tf.data.Dataset`."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import tensorflow as tf

from keras_bert.data.sources.csv_file import read_csv
from keras_bert.data.sources.json_lines_file import read_json_lines
from keras_bert.data.sources.labels import LABEL_TYPES, parse_class, parse_classes, parse_number
from keras_bert.data.sources.library_docs import read_library_docs
from keras_bert.data.sources.source import Source, utf8
from keras_bert.data.sources.tsv_file import read_tsv
from keras_bert.errors import InputError

SUFFIXES = (".csv", ".tsv", ".jsonl", ".json")
# The name may hold a version of TFDS ("glue/sst2:2.0.0") and the split be a part of one ("train[:1000]").
_NAME_AND_SPLIT = re.compile(r"([^:]*(?::[\d.*]+)?)(?::(.*))?", re.DOTALL)


def read(
    source: str | os.PathLike,
    text: str = "text",
    text_pair: str | None = None,
    label: str | None = None,
    *,
    labels: Sequence[str] | None = None,
    label_type: Literal["class", "number", "classes"] = "class",
    columns: Sequence[str] | None = None,
    split: str | None = None,
    data_dir: str | os.PathLike | None = None,
    label_separator: str = "|",
) -> tf.data.Dataset:
    """Reads rows of text, or of text pairs, with or without a label.

    The rows are held in memory, which suits fine-tuning data (up to some millions of rows, 2 GB of text).

    Args:
        source: A file: `.csv` (quoted as RFC 4180 has it), `.tsv` (no quoting), `.jsonl` or `.json` (one object a
            line), each also with `.gz`; UTF-8. Or `tfds:NAME`, a TensorFlow Datasets name (`tfds:glue/sst2`). Or
            `library_docs`, docstrings of the libraries installed anyway. The last two may end in `:SPLIT`.
        text: Name of the column (field) with the text.
        text_pair: Name of the column with the second text of a pair.
        label: Name of the column with the label.
        labels: The labels there may be; another one is an error.
        label_type: `class` (one name a row), `number` (regression), `classes` (any number of names a row, a list in
            JSON, else divided by `label_separator`; empty means none).
        columns: The names of all columns of a `.csv` or `.tsv` file that has no header line.
        split: Part of a `tfds:` or `library_docs` source, `train` unless given.
        data_dir: TFDS's folder of data sets; one prepared there is read without a network.
        label_separator: What divides the labels of one row for `classes`.

    Returns:
        A data set of known cardinality with dicts of `text`: tf.string (); `text_pair`: tf.string (), if asked for;
        `label`, if asked for: tf.string () for class, float32 () for number, tf.string (labels,) for classes.

    Raises:
        InputError: Anything wrong with the source: the line says the file, the row and field, and what was expected.

    Example:
        >>> rows = read("sst2/train.tsv", text="sentence", label="label")
        >>> rows.element_spec
        {'text': TensorSpec(shape=(), dtype=tf.string), 'label': TensorSpec(shape=(), dtype=tf.string)}
    """
    if label_type not in LABEL_TYPES:
        raise InputError(f"label_type {label_type!r}: expected one of {', '.join(LABEL_TYPES)}")
    if labels is not None and (label is None or label_type == "number"):
        raise InputError("labels are given: name the label's column too, and let label_type be class or classes")
    wanted = [text, *([text_pair] if text_pair else []), *([label] if label else [])]
    found = open_source(source, wanted, columns, split, data_dir)

    known = None if labels is None else dict.fromkeys(labels)
    texts: list[list[bytes]] = [[] for _ in range(2 if text_pair else 1)]
    targets: list[Any] = []
    for number, values in found.rows:
        for field, value, kept in zip(wanted, values, texts, strict=False):
            kept.append(utf8(found, number, field, value))
        if label is None:
            continue
        place, value = found.place(number), values[-1]
        if label_type == "number":
            targets.append(parse_number(place, label, value))
        elif label_type == "classes":
            targets.append(parse_classes(place, label, value, known, label_separator))
        else:
            targets.append(parse_class(place, label, value, known))
    if not texts[0]:
        raise InputError(f"{found.name}: there are no rows" + (" (a header only)" if found.unit == "line" else ""))
    return _dataset(texts, targets if label else None, label_type)


def open_source(
    source: str | os.PathLike,
    wanted: list[str],
    columns: Sequence[str] | None = None,
    split: str | None = None,
    data_dir: str | os.PathLike | None = None,
) -> Source:
    """Opens a source with the reader that it is for; `wanted` are the fields, the rest as in `read`."""
    is_tfds = os.fspath(source).startswith("tfds:")
    name_and_split = _NAME_AND_SPLIT.fullmatch(os.fspath(source).removeprefix("tfds:"))
    name, named_split = name_and_split.groups() if name_and_split else (os.fspath(source), None)
    if is_tfds or name == "library_docs":
        if columns:
            raise InputError(f"{source}: columns are for files without a header line")
        if split and named_split and split != named_split:
            raise InputError(f"{source}: names the split {named_split!r}, but split={split!r} was asked for")
        split = split or named_split or "train"
        if is_tfds:
            # TensorFlow Datasets takes a second to import, and most rows come from files.
            from keras_bert.data.sources.tfds_source import read_tfds

            return read_tfds(name, split, wanted, data_dir)
        return read_library_docs(split, wanted)

    path = Path(source)
    if split:
        raise InputError(f"{path}: a file has no splits (split={split!r}); name the file of that part instead")
    suffix = Path(path.stem if path.suffix.lower() == ".gz" else path.name).suffix.lower()
    if not path.exists() and suffix not in SUFFIXES:
        raise InputError(f"{path}: no such file (expected a {', '.join(SUFFIXES)} file, tfds:NAME, or library_docs)")
    if path.is_dir():
        raise InputError(f"{path}: is a folder, expected a file")
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: unknown kind of file; expected one of {', '.join(SUFFIXES)}, or these with .gz")
    if suffix == ".csv":
        rows = read_csv(path, wanted, columns)
    elif suffix == ".tsv":
        rows = read_tsv(path, wanted, columns)
    elif columns:
        raise InputError(f"{path}: columns are for .csv and .tsv files without a header; JSON has its own names")
    else:
        rows = read_json_lines(path, wanted)
    return Source(name=str(path), unit="line", rows=rows)


def _dataset(texts: list[list[bytes]], targets: list[Any] | None, label_type: str) -> tf.data.Dataset:
    """The rows as tensors in memory."""
    parts: dict[str, Any] = {key: tf.constant(kept) for key, kept in zip(("text", "text_pair"), texts, strict=False)}
    if targets is None:
        return tf.data.Dataset.from_tensor_slices(parts)
    if label_type != "classes":
        parts["label"] = tf.constant(targets, tf.float32 if label_type == "number" else tf.string)
        return tf.data.Dataset.from_tensor_slices(parts)
    flat = tf.constant([label for row in targets for label in row], tf.string)
    parts["label"] = tf.RaggedTensor.from_row_lengths(flat, [len(row) for row in targets])
    # A row of a ragged tensor is announced as ragged of rank 0; as a plain tensor it batches like any other.
    return tf.data.Dataset.from_tensor_slices(parts).map(_plain_label)


def _plain_label(row: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    return row | {"label": tf.convert_to_tensor(row["label"])}
