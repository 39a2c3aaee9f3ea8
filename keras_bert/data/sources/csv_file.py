"""Rows of a file whose fields are divided by a character and may stand in quotation marks."""

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from keras_bert.data.sources.lines import TextFormat, read_lines
from keras_bert.data.sources.source import NO_HEADER, delimiter_hint, field_indices, there_indices, wrong_number
from keras_bert.errors import InputError


def read_csv(
    path: Path,
    wanted: Sequence[str],
    columns: Sequence[str] | None = None,
    text_format: TextFormat | None = None,
    delimiter: str = ",",
    optional: Sequence[str] = (),
) -> Iterator[tuple[int, list[Any]]]:
    r"""The wanted fields of each row of a .csv file, with the number of the line where the row begins.

    RFC 4180: fields with a comma, a quotation mark or a line end stand in `"`, and a `"` inside is doubled. The first
    row is the header unless `columns` names the fields. Blank lines are passed over.

    Args:
        path: The file.
        wanted: Names of columns.
        columns: Names of all columns, where there is no header.
        text_format: How the file is written.
        delimiter: What divides fields.
        optional: Names of columns that come behind the others, None where the file has none of the name.

    Raises:
        InputError: A missing column, a row with a wrong number of fields, a quotation mark left open or followed by
            something other than a delimiter (each names the line).
    """
    header = list(columns or ())
    indices: list[int | None] = []
    if columns:
        indices = [*field_indices(str(path), header, wanted), *there_indices(str(path), header, optional)]
    for number, fields in _records(path, text_format, delimiter):
        place = f"{path}, line {number}"
        hint = delimiter_hint(fields[0], delimiter) if len(fields) == 1 else ""
        if not header:
            header = fields
            indices = [
                *field_indices(place, header, wanted, hint or NO_HEADER),
                *there_indices(place, header, optional),
            ]
        elif len(fields) == len(header):
            yield number, [None if index is None else fields[index] for index in indices]
        else:
            raise wrong_number(place, len(fields), header, hint)
    if not header:
        raise InputError(f"{path}: the file is empty")


def _records(path: Path, text_format: TextFormat | None, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """All fields of each row that is not blank, with the line where it begins."""
    reader = csv.reader((line for _, line in read_lines(path, text_format)), strict=True, delimiter=delimiter)
    while True:
        number = reader.line_num + 1
        # The limit of 131,072 characters a field belongs to the whole process: lifted for this row only.
        limit = csv.field_size_limit(sys.maxsize)
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise InputError(f"{path}, line {number}: not CSV: {error} (a quotation mark inside is doubled)") from None
        finally:
            csv.field_size_limit(limit)
        if fields is None:
            return
        if fields:
            yield number, fields
