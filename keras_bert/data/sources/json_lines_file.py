"""Rows of JSON: an object a line, or one array of objects."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from keras_bert.data.sources.lines import TextFormat, read_lines
from keras_bert.errors import InputError
from keras_bert.foreign_files import loads_json


def read_json_lines(
    path: Path, wanted: Sequence[str], optional: Sequence[str] = (), text_format: TextFormat | None = None
) -> Iterator[tuple[int, list[Any]]]:
    """The wanted fields of each row of a .jsonl file (one JSON object a line), with the line number.

    The values come as JSON has them, those of `optional` fields behind the others and None where there are none. Blank
    lines are passed over.

    Raises:
        InputError: Bad JSON, a line that is not an object, an object without a wanted field (each names the line).
    """
    for number, line in read_lines(path, text_format):
        line = line.strip()
        if line:
            place = f"{path}, line {number}"
            row = load_json(line, place, "expected one JSON object a line")
            yield number, _fields(place, row, wanted, optional)


def read_json_array(
    path: Path, wanted: Sequence[str], optional: Sequence[str] = (), text_format: TextFormat | None = None
) -> Iterator[tuple[int, list[Any]]]:
    """The wanted fields of each row of a file that is one array of objects, with the number of the row from 1.

    Raises:
        InputError: As `read_json_lines`.
    """
    text = "".join(line for _, line in read_lines(path, text_format))
    rows = load_json(text, str(path), "expected an array of objects, or one JSON object a line")
    if not isinstance(rows, list):
        raise InputError(f"{path}: expected an array of objects, found {type(rows).__name__}")
    for number, row in enumerate(rows, start=1):
        yield number, _fields(f"{path}, row {number}", row, wanted, optional)


def is_json_array(path: Path, text_format: TextFormat | None = None) -> bool:
    """Says whether the first character of a file, but for white space, begins an array."""
    return next((line.lstrip().startswith("[") for _, line in read_lines(path, text_format) if line.strip()), False)


def load_json(text: str, place: str, expected: str) -> Any:
    """Parses JSON.

    Args:
        text: The JSON.
        place: Where it stands, for the message.
        expected: What should stand there, for the message.

    Raises:
        InputError: It is none, is nested too deep, or holds a number of more digits than Python reads.
    """
    try:
        return loads_json(text)
    except RecursionError:
        raise InputError(f"{place}: the JSON is nested too deep; {expected}") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{place}: bad JSON: {error}; {expected}") from None
    except ValueError:
        raise InputError(
            f"{place}: a number of more than 4,300 digits; write it as a string, in quotation marks"
        ) from None


def _fields(place: str, row: Any, wanted: Sequence[str], optional: Sequence[str]) -> list[Any]:
    if not isinstance(row, dict):
        raise InputError(f"{place}: expected a JSON object, found {type(row).__name__}")
    for field in wanted:
        if field not in row:
            fields = ", ".join(repr(name) for name in row)
            raise InputError(f"{place}: no field {field!r}; the fields are: {fields}")
    return [row[field] for field in wanted] + [row.get(field) for field in optional]
