"""Rows of a comma-separated file."""

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from keras_bert.data.sources.lines import read_lines
from keras_bert.data.sources.source import delimiter_hint, field_indices, wrong_number
from keras_bert.errors import InputError


def read_csv(
    path: Path, wanted: Sequence[str], columns: Sequence[str] | None = None
) -> Iterator[tuple[int, list[str]]]:
    r"""The wanted fields of each row of a .csv file, with the number of the line where the row begins.

    RFC 4180: fields with a comma, a quotation mark or a line end stand in `"`, and a `"` inside is doubled. The first
    row is the header unless `columns` names the fields. Blank lines are passed over.

    Raises:
        InputError: A missing column, a row with a wrong number of fields, a quotation mark left open or followed by
            something other than a comma (each names the line).
    """
    header, indices = list(columns or ()), []
    if columns:
        indices = field_indices(str(path), header, wanted)
    for number, fields in _records(path):
        place = f"{path}, line {number}"
        hint = delimiter_hint(fields[0], ",") if len(fields) == 1 else ""
        if not header:
            header = fields
            indices = field_indices(place, header, wanted, hint)
        elif len(fields) == len(header):
            yield number, [fields[index] for index in indices]
        else:
            raise wrong_number(place, len(fields), header, hint)
    if not header:
        raise InputError(f"{path}: the file is empty")


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """All fields of each row that is not blank, with the line where it begins."""
    reader = csv.reader((line for _, line in read_lines(path)), strict=True)
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
