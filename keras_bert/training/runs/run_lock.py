"""One program at a time in the folder of a run."""

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_bert.errors import InputError
from keras_bert.foreign_files import parse_json

LOCK = ".running"
"""Name of the file that says who trains in a folder."""

BEAT_SECONDS = 5.0
"""How often the holder touches the file."""

WAIT_SECONDS = 4 * BEAT_SECONDS
"""How long a program on another machine watches whether the file is still touched."""


def is_running(folder: Path) -> bool:
    """Tells whether a program trains in a folder."""
    holder = _holder(folder / LOCK)
    return holder is not None and _is_alive(folder / LOCK, holder)


def refuse_if_running(folder: Path) -> None:
    """Refuses a folder in which another program trains.

    Raises:
        InputError: Names the machine and the process.
    """
    holder = _holder(folder / LOCK)
    if holder is not None and _is_alive(folder / LOCK, holder):
        raise InputError(
            f"{folder}: another program trains here, process {holder['process']} on {holder['host']}; "
            "wait until it has ended, or choose another folder"
        )


@contextlib.contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Holds a folder for this process; what a process that was killed has left is taken over.

    On the same machine the process is looked for. On another one the file is watched for `WAIT_SECONDS`: as long as its
    holder lives, it touches the file every `BEAT_SECONDS`.

    Raises:
        InputError: As `refuse_if_running`.
        OSError: The folder cannot be written.
    """
    path = folder / LOCK
    mine = {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "started": _started(os.getpid()),
        "id": uuid.uuid4().hex,
    }
    text = json.dumps(mine)
    while True:
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
            break
        except FileExistsError:
            stale = _holder(path)
            refuse_if_running(folder)
            _take_away(path, stale)
    over = threading.Event()
    beats = threading.Thread(target=_beat, args=(path, over), name="run-lock", daemon=True)
    beats.start()
    try:
        yield
    finally:
        over.set()
        beats.join()
        if (_holder(path) or {}).get("id") == mine["id"]:
            path.unlink(missing_ok=True)


def _beat(path: Path, over: threading.Event) -> None:
    while not over.wait(BEAT_SECONDS):
        with contextlib.suppress(OSError):  # a disk that is read-only for a while; the training says so
            os.utime(path)


def _holder(path: Path) -> dict[str, Any] | None:
    """Returns what a lock says of its holder; None if there is no lock, or none that a program wrote."""
    try:
        holder = parse_json(path.read_bytes(), path)
    except (OSError, ValueError):
        return None
    kinds = {"process": int, "host": str, "id": str}
    is_whole = isinstance(holder, dict) and all(type(holder.get(name)) is kind for name, kind in kinds.items())
    return holder if is_whole and 0 < holder["process"] < 2**31 else None


def _is_alive(path: Path, holder: dict[str, Any]) -> bool:
    if holder["host"] == socket.gethostname():
        # An earlier run of this very process has ended, or its folder would be given back.
        if holder["process"] == os.getpid():
            return False
        return _started(holder["process"]) is not None and _started(holder["process"]) == holder.get("started")
    end = time.monotonic() + WAIT_SECONDS
    touched = _touched(path)
    while touched is not None and time.monotonic() < end:
        time.sleep(min(0.5, WAIT_SECONDS / 4))
        if _touched(path) not in (touched, None):
            return True
        if _touched(path) is None:
            return False
    return False


def _touched(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _started(process: int) -> str | None:
    """Tells one process from a later one with its number: when it was started; None where there is none.

    Where there is no /proc, as on macOS, whether there is a process of that number has to do.
    """
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        pass
    if Path("/proc/self/stat").exists():
        return None
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return "?"


def _take_away(path: Path, stale: dict[str, Any] | None) -> None:
    """Takes a stale lock away, unless another program has done so and put its own there."""
    aside = path.with_name(f"{path.name}-{uuid.uuid4().hex[:8]}")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return
    if _holder(aside) != stale:
        aside.rename(path)
    else:
        aside.unlink()
