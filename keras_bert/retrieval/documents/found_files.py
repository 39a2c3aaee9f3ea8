"""Files that paths, folders and patterns name."""

import fnmatch
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from keras_bert.errors import InputError

INDEX_FILE = "retrieval.json"
"""A folder that holds this is an index, and not looked through: its own files would be taken for documents."""

_PATTERN = ("*", "?", "[")


class FoundFile(NamedTuple):
    """A file that was found.

    Attributes:
        path: Absolute.
        is_named: It was named itself, not found in a folder or by a pattern.
    """

    path: Path
    is_named: bool


def find_files(paths: Sequence[str | os.PathLike]) -> list[FoundFile]:
    """Finds the files that are meant, each once, in a fixed order.

    A path that exists is taken as it is, whatever characters it holds. A folder gives all files in it and in the
    folders in it, those whose names begin with a dot left out. Anything else is a pattern: `*`, `?`, `[...]` within a
    name, `**` for any folders between. Links to folders are followed, and each folder is looked through once; an index
    is no folder of documents.

    Args:
        paths: Files, folders and patterns.

    Raises:
        InputError: A path that does not exist and is no pattern of files that do.

    Example:
        >>> find_files(["nowhere/*.txt"])
        Traceback (most recent call last):
        ...
        keras_bert.errors.InputError: nowhere/*.txt: no file is called so
    """
    found: dict[Path, FoundFile] = {}
    for given in paths:
        path = _absolute(given)
        if path.is_file():
            files = [FoundFile(path, True)]
        elif path.is_dir():
            files = [FoundFile(file, False) for file in _files_below(path, hidden=False)]
        elif path.exists():
            raise InputError(f"{given}: is a pipe or device, expected a file or a folder")
        elif any(sign in str(path) for sign in _PATTERN):
            files = [FoundFile(file, False) for file in _matching(path)]
            if not files:
                raise InputError(f"{given}: no file is called so")
        else:
            raise InputError(f"{given}: no such file or folder")
        for file in files:
            # A file that two names lead to is one document.
            key = file.path.resolve()
            if key not in found or (file.is_named and not found[key].is_named):
                found[key] = file
    return list(found.values())


def matches(path: str, pattern: str | os.PathLike) -> bool:
    """Says whether a path is meant by a path, a folder or a pattern, as `find_files` would, without looking.

    Args:
        path: An absolute path.
        pattern: A file, a folder above it, or a pattern.

    Example:
        >>> matches("/notes/2024/a.md", "/notes/**/*.md"), matches("/notes/a.md", "/notes"), matches("/b.md", "/*.txt")
        (True, True, False)
    """
    whole = _absolute(pattern)
    return Path(path).is_relative_to(whole) or _fits(Path(path).parts, whole.parts)


def _absolute(path: str | os.PathLike) -> Path:
    """Gives the whole path; links in it stay."""
    return Path(os.path.normpath(Path(path).expanduser().absolute()))


def _matching(pattern: Path) -> Iterator[Path]:
    fixed = next(index for index, part in enumerate(pattern.parts) if any(sign in part for sign in _PATTERN))
    parts = pattern.parts[fixed:]
    for file in _files_below(Path(*pattern.parts[:fixed]), any(part.startswith(".") for part in parts)):
        if _fits(file.parts[fixed:], parts):
            yield file


def _fits(names: Sequence[str], parts: Sequence[str]) -> bool:
    """Says whether the names of a path fit the parts of a pattern."""
    if not parts or not names:
        return not names and not parts
    if parts[0] == "**" and len(parts) == 1:
        return not any(name.startswith(".") for name in names)  # all files below
    if parts[0] == "**":
        return _fits(names, parts[1:]) or (not names[0].startswith(".") and _fits(names[1:], parts))
    if names[0].startswith(".") and not parts[0].startswith("."):
        return False
    return fnmatch.fnmatchcase(names[0], parts[0]) and _fits(names[1:], parts[1:])


def _files_below(folder: Path, hidden: bool) -> Iterator[Path]:
    """Yields the regular files below a folder, in the order of their names; a loop of links is walked once."""
    seen = set()
    for here, folders, names in os.walk(folder, followlinks=True):
        status = Path(here).stat()
        if (status.st_dev, status.st_ino) in seen or INDEX_FILE in names:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if hidden or not name.startswith("."))
        for name in sorted(names):
            path = Path(here, name)
            if (hidden or not name.startswith(".")) and path.is_file():
                yield path
