"""A file of lines that is written over a long time: what is there when the program is stopped is not made again."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from absl import logging

from keras_bert.errors import InputError, LostProcessError
from keras_bert.escaping import to_json
from keras_bert.files import write_file

_SAY_EVERY = 30.0  # seconds


class PartFile:
    """Groups of lines that are written one after the other, beside the file that they become when all are there.

    `NAME.part` holds the lines, `NAME.part.json` what they are the lines of. A program that is stopped, in whatever
    way, leaves both; with the same facts it goes on behind the last whole group.

    Args:
        name: The file.
        facts: What the lines follow from, JSON's types.

    Attributes:
        groups: How many groups are there already.

    Raises:
        InputError: The lines that are there are those of something else.

    Example:
        >>> with PartFile("answers.jsonl", {"model": "m"}) as part:
        ...     part.write(["{}", "{}"])
        >>> open("answers.jsonl").read().splitlines()
        ['{}', '{}']
    """

    def __init__(self, name: str, facts: Mapping[str, Any]) -> None:
        self._target = Path(name).resolve()
        self._part = self._target.with_name(self._target.name + ".part")
        self._note = self._target.with_name(self._target.name + ".part.json")
        self._facts = json.loads(json.dumps(facts))
        self._file = self._part.open("ab")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.groups, size = self._found()
        except BlockingIOError:
            self._file.close()
            raise InputError(f"{self._part}: another program writes there; wait for it, or name another file") from None
        except InputError:
            self._file.close()
            raise
        self._lines = 0
        self._began = self._said = time.monotonic()
        if not self.groups:
            write_file(self._note, to_json({"facts": self._facts}) + "\n")
        self._file.truncate(size)

    def __enter__(self) -> PartFile:
        return self

    def write(self, lines: Sequence[str]) -> None:
        """Writes the next group."""
        # A line of its own ends a group: what stands behind the last of them is no whole one.
        text = "".join(f"{line}\n" for line in lines) + f"{_END}\n"
        self._file.write(text.encode())
        self._file.flush()
        self._lines += len(lines)
        now = time.monotonic()
        if now - self._said > _SAY_EVERY:
            self._said = now
            logging.info("%s rows, %.0f a second", f"{self._lines:,}", self._lines / (now - self._began))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._file.close()
        if kind is None:
            self._finish()
        elif issubclass(kind, InputError) and not issubclass(kind, LostProcessError):
            # The input is to be mended: the same command will be another.
            self._part.unlink()
            self._note.unlink()

    def _finish(self) -> None:
        whole = self._target.with_name(f".{self._target.name}.whole")
        with self._part.open("rb") as source, whole.open("wb") as target:
            for line in source:
                if line != _END_LINE:
                    target.write(line)
            target.flush()
            os.fsync(target.fileno())
        whole.replace(self._target)
        self._part.unlink()
        self._note.unlink()

    def _found(self) -> tuple[int, int]:
        """Returns how many whole groups there are, and the bytes that they take."""
        if not self._part.stat().st_size or not self._note.is_file():
            return 0, 0
        noted = json.loads(self._note.read_text(encoding="utf-8"))["facts"]
        changed = [name for name in {**noted, **self._facts} if noted.get(name) != self._facts.get(name)]
        if changed:
            raise InputError(
                f"{self._part}: holds lines of another command, with another {', '.join(changed)}; delete it to start "
                "anew, or give what was given then"
            )
        groups, size, place = 0, 0, 0
        with self._part.open("rb") as file:
            for line in file:
                place += len(line)
                if line == _END_LINE:
                    groups, size = groups + 1, place
        if groups:
            logging.info("%s: going on behind what is there", self._part)
        return groups, size


def digest_of(name: str) -> str:
    """Returns a digest of a file, or of all files of a folder; of what is neither, such as a handle, its name.

    Example:
        >>> digest_of("hf://org/name")
        'hf://org/name'
    """
    path = Path(name).expanduser()
    if not path.exists():
        return name
    digest = hashlib.blake2b(digest_size=8)
    for part in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if part.is_file():
            digest.update(str(part.relative_to(path)).encode())
            with part.open("rb") as file:
                digest.update(hashlib.file_digest(file, hashlib.blake2b).digest())
    return digest.hexdigest()


_END = "\x1e"  # the record separator of ASCII, which JSON writes as \u001e
_END_LINE = f"{_END}\n".encode()
