"""Rows of a file whose fields are divided by a character and never quoted."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from absl import logging

from keras_bert.data.sources.lines import TextFormat, read_lines
from keras_bert.data.sources.source import NO_HEADER, delimiter_hint, field_indices, there_indices, wrong_number
from keras_bert.errors import InputError

_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_QUOTED_HINT = "; quoted as pandas and Excel write it? Read it with quoting=True (--quoting)"


def read_tsv(
    path: Path,
    wanted: Sequence[str],
    columns: Sequence[str] | None = None,
    text_format: TextFormat | None = None,
    delimiter: str = "\t",
    optional: Sequence[str] = (),
) -> Iterator[tuple[int, list[Any]]]:
    r"""The wanted fields of each row of a .tsv file, with the line number.

    There is no quoting: a tab always divides fields and a quotation mark is a character like any other, as in the
    files of GLUE. The first line is the header unless `columns` names the fields. A blank line is passed over,
    except where there is one column only: there it is a row with an empty text. A file in which every field with a
    quotation mark is quoted as in a .csv file gets a warning.

    Args:
        path: The file.
        wanted: Names of columns.
        columns: Names of all columns, where there is no header.
        text_format: How the file is written.
        delimiter: What divides fields.
        optional: Names of columns that come behind the others, None where the file has none of the name.

    Raises:
        InputError: A missing column, or a row with a wrong number of fields (names the line).
    """
    header = list(columns or ())
    indices: list[int | None] = []
    if columns:
        indices = [*field_indices(str(path), header, wanted), *there_indices(str(path), header, optional)]
    quoted, plain, first = 0, False, 0
    for number, line in read_lines(path, text_format):
        line = line.removesuffix("\n").removesuffix("\r")
        fields = line.split(delimiter)
        if not header:
            header = fields
            hint = delimiter_hint(line, delimiter) or NO_HEADER
            place = f"{path}, line {number}"
            indices = [*field_indices(place, header, wanted, hint), *there_indices(place, header, optional)]
        elif len(fields) == len(header):
            if '"' in line and not plain:
                marked = [field for field in fields if '"' in field]
                plain = not all(map(_QUOTED.fullmatch, marked))
                quoted, first = quoted + len(marked), first or number
            yield number, [None if index is None else fields[index] for index in indices]
        elif line:
            hint = _QUOTED_HINT if '"' in line else delimiter_hint(line, delimiter)
            raise wrong_number(f"{path}, line {number}", len(fields), header, hint)
    if not header:
        raise InputError(f"{path}: the file is empty")
    if quoted and not plain:
        logging.warning(
            "%s: every field with a quotation mark stands in quotation marks (%d fields, the first in line %d), which "
            "are read as part of the text; if pandas or Excel wrote them, read the file with quoting=True (--quoting)",
            path,
            quoted,
            first,
        )
