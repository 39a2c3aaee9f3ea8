"""Rows with a text to be read and a text to be written, as a `tf.data.Dataset`."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_bert.data.sources.lines import MAX_LINE_BYTES, TextFormat, read_lines
from keras_bert.data.sources.read import open_source
from keras_bert.data.sources.source import Source, utf8
from keras_bert.data.sources.tensors import dataset_of
from keras_bert.errors import InputError

Row = tuple[bytes, list[bytes]]


def read_targets(
    source: str | os.PathLike,
    text: str = "text",
    target: str | Sequence[str] = "target",
    *,
    target_files: str | os.PathLike | Sequence[str | os.PathLike] = (),
    references: bool = False,
    merge: bool = False,
    columns: Sequence[str] | None = None,
    split: str | None = None,
    data_dir: str | os.PathLike | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    quoting: bool | None = None,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> tf.data.Dataset:
    r"""Reads texts and their targets: translations, summaries, titles, questions.

    A text may have several targets: in several columns, of which a row leaves the last ones empty if it has fewer; in
    JSON in one field with a list; in several parallel files; or in several rows. For training each is a row of its own.

    Args:
        source: As for `keras_bert.data.read`; with `target_files` a file of texts, one a line.
        text: Name of the column (field) with the text.
        target: Name of the column with the target, or names of several.
        target_files: Files with a target a line, parallel to the lines of `source`.
        references: Keep the targets of a text together, to score against all of them.
        merge: With `references`: rows with the same text are one, with the targets of all.
        columns: The names of all columns of a `.csv` or `.tsv` file that has no header line.
        split: Part of a `tfds:` source, `train` unless given.
        data_dir: TFDS's folder of data sets.
        encoding: As for `keras_bert.data.read`, like the rest.
        delimiter: What divides fields.
        quoting: Fields may stand in quotation marks.
        max_line_bytes: A longer line is an error.

    Returns:
        A data set of known cardinality with dicts of `text` and `target`: tf.string (); with `references` the target is
        the first one, and all of them are `references`: tf.string (targets,).

    Raises:
        InputError: Anything wrong with the source, such as an empty target or parallel files of unlike lengths; the
            line says the file, the row and field, and what was expected.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("train.en").write_text("a film\ngood food\n")
        >>> _ = Path("train.de").write_text("ein Film\ngutes Essen\n")
        >>> [row["target"] for row in read_targets("train.en", target_files="train.de").as_numpy_iterator()]
        [b'ein Film', b'gutes Essen']
        >>> rows = read_targets("titles.tsv", text="description", target="title")  # doctest: +SKIP
    """
    text_format = TextFormat(encoding, max_line_bytes, delimiter, quoting)
    files = [target_files] if isinstance(target_files, str | os.PathLike) else list(target_files)
    if files:
        if columns or split or text_format.delimiter or text_format.quoting is not None:
            raise InputError(f"{source}: with target files a line is a text; leave out columns, delimiter and quoting")
        found = _parallel(Path(source), [Path(file) for file in files], text_format)
    else:
        names = [target] if isinstance(target, str) else list(target)
        if not names:
            raise InputError("target: name at least one column")
        opened = open_source(source, [text, *names], columns, split, data_dir, text_format)
        found = _of_columns(opened, text, names)
    rows = list(found)
    if not rows:
        raise InputError(f"{os.fspath(source)}: there are no rows")
    if not references:
        rows = [(asked, [written]) for asked, targets in rows for written in targets]
    elif merge:
        merged: dict[bytes, list[bytes]] = {}
        for asked, targets in rows:
            merged.setdefault(asked, []).extend(targets)
        rows = list(merged.items())
    parts: dict[str, Any] = {
        "text": tf.constant([asked for asked, _ in rows]),
        "target": tf.constant([targets[0] for _, targets in rows]),
    }
    if references:
        flat = tf.constant([written for _, targets in rows for written in targets])
        parts["references"] = tf.RaggedTensor.from_row_lengths(flat, [len(targets) for _, targets in rows])
    return dataset_of(parts)


def _of_columns(found: Source, text: str, names: list[str]) -> Iterator[Row]:
    for number, (asked, *values) in found.rows:
        targets = values[0] if len(values) == 1 and isinstance(values[0], list | tuple) else values
        # Further columns may be empty, or null in JSON, where a text has fewer targets.
        targets = [*targets[:1], *(value for value in targets[1:] if value not in ("", None))]
        written = [utf8(found, number, names[min(place, len(names) - 1)], value) for place, value in enumerate(targets)]
        if not written or not all(map(bytes.strip, written)):
            raise InputError(
                f"{found.place(number)}: field {names[0]!r}: an empty target; write one, or leave the row out"
            )
        yield utf8(found, number, text, asked), written


def _parallel(source: Path, files: list[Path], text_format: TextFormat) -> Iterator[Row]:
    """Yields the lines of parallel files together."""
    columns = [[_line(line) for _, line in read_lines(path, text_format)] for path in (source, *files)]
    for path, column in zip(files, columns[1:], strict=True):
        if len(column) != len(columns[0]):
            raise InputError(
                f"{path}: {len(column):,} lines for {len(columns[0]):,} of {source}; parallel files have the same "
                "number of lines"
            )
    for number, (asked, *targets) in enumerate(zip(*columns, strict=True), start=1):
        for path, written in zip(files, targets, strict=True):
            if not written.strip():
                raise InputError(f"{path}, line {number}: an empty target; leave the line out of both files")
        yield asked, targets


def _line(line: str) -> bytes:
    return line.removesuffix("\n").removesuffix("\r").encode()
