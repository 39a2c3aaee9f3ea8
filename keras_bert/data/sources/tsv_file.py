"""Rows of a tab-separated file."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from keras_bert.data.sources.lines import read_lines
from keras_bert.data.sources.source import delimiter_hint, field_indices, wrong_number
from keras_bert.errors import InputError


def read_tsv(
    path: Path, wanted: Sequence[str], columns: Sequence[str] | None = None
) -> Iterator[tuple[int, list[str]]]:
    r"""The wanted fields of each row of a .tsv file, with the line number.

    There is no quoting: a tab always divides fields and a quotation mark is a character like any other, as in the
    files of GLUE. The first line is the header unless `columns` names the fields. A blank line is passed over,
    except where there is one column only: there it is a row with an empty text.

    Raises:
        InputError: A missing column, or a row with a wrong number of fields (names the line).
    """
    header, indices = list(columns or ()), []
    if columns:
        indices = field_indices(str(path), header, wanted)
    for number, line in read_lines(path):
        line = line.removesuffix("\n").removesuffix("\r")
        fields = line.split("\t")
        if not header:
            header = fields
            indices = field_indices(f"{path}, line {number}", header, wanted, delimiter_hint(line, "\t"))
        elif len(fields) == len(header):
            yield number, [fields[index] for index in indices]
        elif line:
            raise wrong_number(f"{path}, line {number}", len(fields), header, delimiter_hint(line, "\t"))
    if not header:
        raise InputError(f"{path}: the file is empty")
