"""Rows from a file, a TFDS data set or the libraries on the machine, as a `tf.data.Dataset`."""

import dataclasses
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import tensorflow as tf

from keras_bert.data.class_names import class_names
from keras_bert.data.sources.csv_file import read_csv
from keras_bert.data.sources.json_lines_file import is_json_array, read_json_array, read_json_lines
from keras_bert.data.sources.labels import LABEL_TYPES, parse_class, parse_classes, parse_number, parse_weight
from keras_bert.data.sources.library_docs import read_library_docs
from keras_bert.data.sources.lines import MAX_LINE_BYTES, TextFormat, check_file
from keras_bert.data.sources.source import Source, utf8
from keras_bert.data.sources.source_blocks import SourceBlocks
from keras_bert.data.sources.tensors import dataset_of
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
    weight: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    quoting: bool | None = None,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> tf.data.Dataset:
    r"""Reads rows of text, or of text pairs, with or without a label.

    The rows are held in memory, which suits fine-tuning data (up to some millions of rows, 2 GB of text).

    Args:
        source: A file: `.csv` (quoted as RFC 4180 has it), `.tsv` (no quoting), `.jsonl` or `.json` (one object a
            line, or one array of objects), each also with `.gz`. Or `tfds:NAME`, a TensorFlow Datasets name
            (`tfds:glue/sst2`). Or `library_docs`, docstrings of the libraries installed anyway. The last two may end in
            `:SPLIT`.
        text: Name of the column (field) with the text.
        text_pair: Name of the column with the second text of a pair.
        label: Name of the column with the label.
        labels: The labels there may be; another one is an error.
        label_type: `class` (one name a row), `number` (regression), `classes` (any number of names a row, a list in
            JSON, else divided by `label_separator`; empty means none).
        columns: The names of all columns of a `.csv` or `.tsv` file that has no header line.
        split: Part of a `tfds:` or `library_docs` source, `train` unless given.
        data_dir: TFDS's folder of data sets; one prepared there is read without a network.
        label_separator: What divides the labels of one row for `classes`. A cell with a list in it, `['x', 'y']`, is
            read as that list, also one without quotation marks, `[x, y]`.
        weight: Name of the column with the weight of the row in the loss, 0 or more.
        encoding: Of a file, such as `cp1252` or `gb18030`; None: what its byte-order mark says (UTF-8, UTF-16), or else
            UTF-8.
        delimiter: What divides fields, such as `;`; None: a comma in a `.csv` file, a tab in a `.tsv` file.
        quoting: Fields may stand in quotation marks; None: in a `.csv` file, not in a `.tsv` file. `True` reads a
            `.tsv` file as pandas and Excel write it.
        max_line_bytes: A longer line is an error.

    Returns:
        A data set of known cardinality with dicts of `text`: tf.string (); `text_pair`: tf.string (), if asked for;
        `label`, if asked for: tf.string () for class, float32 () for number, tf.string (labels,) for classes; `weight`,
        if asked for: float32 (). A class has one spelling, see `class_name`: `1.0` is class `1`.

    Raises:
        InputError: Anything wrong with the source: the line says the file, the row and field, and what was expected.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("films.tsv").write_text("sentence\tlabel\na gripping film\tgood\n")
        >>> rows = read("films.tsv", text="sentence", label="label")
        >>> rows.element_spec["label"]
        TensorSpec(shape=(), dtype=tf.string, name=None)
    """
    if label_type not in LABEL_TYPES:
        raise InputError(f"label_type {label_type!r}: expected one of {', '.join(LABEL_TYPES)}")
    if not label_separator:
        raise InputError("label_separator is empty (--label_separator); say what divides labels, such as '|'")
    if labels is not None and (label is None or label_type == "number"):
        raise InputError("labels are given: name the label's column too, and let label_type be class or classes")
    wanted = [text, *([text_pair] if text_pair else []), *([label] if label else []), *([weight] if weight else [])]
    text_format = TextFormat(encoding, max_line_bytes, delimiter, quoting)
    found = open_source(source, wanted, columns, split, data_dir, text_format)

    known = None if labels is None else dict.fromkeys(class_names(labels))
    weights: list[float] = []
    texts: list[list[bytes]] = [[] for _ in range(2 if text_pair else 1)]
    targets: list[Any] = []
    for number, values in found.rows:
        for field, value, kept in zip(wanted, values, texts, strict=False):
            kept.append(utf8(found, number, field, value))
        place = found.place(number)
        if weight is not None:
            weights.append(parse_weight(place, weight, values.pop()))
        if label is None:
            continue
        value = values[-1]
        if label_type == "number":
            targets.append(parse_number(place, label, value))
        elif label_type == "classes":
            targets.append(parse_classes(place, label, value, known, label_separator))
        else:
            targets.append(parse_class(place, label, value, known))
    if not texts[0]:
        raise InputError(f"{found.name}: there are no rows" + (" (a header only)" if found.unit == "line" else ""))
    return _dataset(texts, targets if label else None, label_type, weights)


def open_source(
    source: str | os.PathLike,
    wanted: list[str],
    columns: Sequence[str] | None = None,
    split: str | None = None,
    data_dir: str | os.PathLike | None = None,
    text_format: TextFormat | None = None,
    optional: Sequence[str] = (),
) -> Source:
    """Opens a source with the reader that it is for; `wanted` are the fields, the rest as in `read`.

    Of a file, fields of `optional` come behind the others, None where there is none of the name.
    """
    if isinstance(source, SourceBlocks):
        rest = (wanted, columns, split, data_dir, text_format, optional)
        return source.next_rows((*wanted, None, *optional), lambda whole: open_source(whole, *rest))
    text_format = text_format or TextFormat()
    if columns is not None and (isinstance(columns, str) or len(set(columns)) < len(columns)):
        raise InputError(f"columns: expected a list of different names, received: {columns!r:.80}")
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
    check_file(path)
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: unknown kind of file; expected one of {', '.join(SUFFIXES)}, or these with .gz")
    if suffix in (".csv", ".tsv"):
        delimiter = text_format.delimiter or ("," if suffix == ".csv" else "\t")
        quoting = suffix == ".csv" if text_format.quoting is None else text_format.quoting
        rows = (read_csv if quoting else read_tsv)(path, wanted, columns, text_format, delimiter, optional)
        return Source(name=str(path), unit="line", rows=rows)
    if text_format.delimiter or text_format.quoting is not None:
        raise InputError(f"{path}: delimiter and quoting are for .csv and .tsv files; JSON has its own")
    if columns:
        raise InputError(f"{path}: columns are for .csv and .tsv files without a header; JSON has its own names")
    # An array may stand in one line.
    whole = dataclasses.replace(text_format, max_line_bytes=max(text_format.max_line_bytes, path.stat().st_size))
    if is_json_array(path, whole):
        return Source(name=str(path), unit="row", rows=read_json_array(path, wanted, optional, whole))
    return Source(name=str(path), unit="line", rows=read_json_lines(path, wanted, optional, text_format))


def _dataset(
    texts: list[list[bytes]], targets: list[Any] | None, label_type: str, weights: list[float]
) -> tf.data.Dataset:
    """The rows as tensors in memory."""
    parts: dict[str, Any] = {key: tf.constant(kept) for key, kept in zip(("text", "text_pair"), texts, strict=False)}
    if targets is not None and label_type == "classes":
        flat = tf.constant([label for row in targets for label in row], tf.string)
        parts["label"] = tf.RaggedTensor.from_row_lengths(flat, [len(row) for row in targets])
    elif targets is not None:
        parts["label"] = tf.constant(targets, tf.float32 if label_type == "number" else tf.string)
    if weights:
        parts["weight"] = tf.constant(weights)
    return dataset_of(parts)
