"""Files that a program writes: they appear whole or not at all."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from keras_bert.errors import InputError
from keras_bert.files import file_beside


def check_output_file(name: str | None) -> None:
    """Checks that a file can be written, before the work whose result goes there.

    Args:
        name: The file; `-` is standard output, None no file.

    Raises:
        InputError: It is a folder, or the folder that it would lie in is not there or not writable.
    """
    if name is None or name == "-":
        return
    path = Path(name)
    if path.is_dir():
        raise InputError(f"{name}: is a folder; expected the name of a file to write")
    if not path.parent.is_dir():
        raise InputError(f"{name}: there is no folder {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError(f"{name}: not writable (permission denied)")


@contextlib.contextmanager
def output_file(name: str) -> Iterator[TextIO]:
    """Opens a text file for writing, in UTF-8; it takes its place when the block ends well.

    Args:
        name: The file, `-` for standard output. What is no plain file (`/dev/null`, a named pipe) is written directly.

    Raises:
        InputError: The file cannot be written; what was there before is unchanged.
    """
    if name == "-":
        yield sys.stdout
        return
    path = Path(name).resolve()
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8") as file:
            yield file
        return
    try:
        with file_beside(path) as whole, io.TextIOWrapper(whole, encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise InputError(f"{name}: not written: {error.strerror or error}") from error
