"""Rows of a JSON-lines file."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from keras_bert.data.sources.lines import read_lines
from keras_bert.errors import InputError


def read_json_lines(path: Path, wanted: Sequence[str], optional: Sequence[str] = ()) -> Iterator[tuple[int, list[Any]]]:
    """The wanted fields of each row of a .jsonl file (one JSON object a line), with the line number.

    The values come as JSON has them, those of `optional` fields behind the others and None where there are none. Blank
    lines are passed over.

    Raises:
        InputError: Bad JSON, a line that is not an object, an object without a wanted field (each names the line).
    """
    for number, line in read_lines(path):
        line = line.strip()
        if not line:
            continue
        place = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise InputError(f"{place}: bad JSON: {error}; expected one JSON object a line") from None
        if not isinstance(row, dict):
            raise InputError(f"{place}: expected a JSON object, found {type(row).__name__}")
        for field in wanted:
            if field not in row:
                fields = ", ".join(repr(name) for name in row)
                raise InputError(f"{place}: no field {field!r}; the fields are: {fields}")
        yield number, [row[field] for field in wanted] + [row.get(field) for field in optional]
