"""What every reader gives: the wanted fields of each row, with the place it stands at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from keras_bert.errors import InputError


@dataclass(frozen=True)
class Source:
    """The wanted fields of a file's (or data set's) rows, in its order.

    `name` is what the user called it ("train.tsv"), `unit` what the numbers count ("line" or "row", from 1).
    `rows` gives the number and the values of the wanted fields: strings from delimited text, JSON values
    (also numbers and lists) from JSON lines and TFDS.
    """

    name: str
    unit: str
    rows: Iterator[tuple[int, list[Any]]]

    def place(self, number: int) -> str:
        """The words that begin an error about one row: "train.tsv, line 3"."""
        return f"{self.name}, {self.unit} {number}"


def utf8(source: Source, number: int, field: str, value: Any) -> bytes:
    """A text as UTF-8; what is not a text (a number or null in JSON) is an error, never guessed.

    Raises:
        InputError: Not a string, or one with half of a surrogate pair.
    """
    if not isinstance(value, str):
        found = "null" if value is None else f"{type(value).__name__} {value!r:.40}"
        hint = "; pandas' to_json()? Write it with orient='records', lines=True" if isinstance(value, dict) else ""
        raise InputError(f"{source.place(number)}: field {field!r}: expected a string, found {found}{hint}")
    try:
        return value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"{source.place(number)}: field {field!r}: half of a surrogate pair "
            f"(U+{ord(value[error.start]):04X}) at character {error.start + 1} is no text"
        ) from None


NO_HEADER = "; if the file has no header line, name its columns: columns=[...] (--columns=text,label)"
"""What to add to an error about a column that is not in the first line."""


def field_indices(place: str, header: Sequence[str], wanted: Sequence[str], hint: str = "") -> list[int]:
    """Positions of the wanted columns in a header.

    Raises:
        InputError: A column that is not there (says which there are), or is there twice.
    """
    for column in wanted:
        count = header.count(column)
        if count == 0:
            columns = ", ".join(repr(name) for name in header)
            raise InputError(f"{place}: no column {column!r}; the columns are: {columns}{hint}")
        if count > 1:
            raise InputError(f"{place}: {count} columns are named {column!r}; rename all but one")
    return [header.index(column) for column in wanted]


def there_indices(place: str, header: Sequence[str], optional: Sequence[str]) -> list[int | None]:
    """Positions of the columns in a header, None for one that is not there.

    Raises:
        InputError: A column that is there twice.
    """
    return [field_indices(place, header, [column])[0] if column in header else None for column in optional]


def wrong_number(place: str, found: int, header: Sequence[str], hint: str = "") -> InputError:
    """The error for a row whose number of fields is not that of the header."""
    columns = ", ".join(repr(name) for name in header)
    return InputError(f"{place}: {found} field{'s' * (found != 1)}, expected {len(header)} ({columns}){hint}")


_OTHERS = {
    "\t": "tabs: name the file .tsv",
    ",": "commas: name the file .csv",
    ";": "semicolons: delimiter=';' (--delimiter=';')",
    "|": "bars: delimiter='|' (--delimiter='|')",
}


def delimiter_hint(line: str, delimiter: str) -> str:
    """What to add to an error when a line that should have several fields looks cut by another delimiter."""
    if delimiter in line:
        return ""
    for other, words in _OTHERS.items():
        if other != delimiter and other in line:
            return f"; wrong delimiter? looks like {words}"
    return ""
