"""A training run as a process of its own, which is followed by what it leaves in its folder."""

import csv
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from keras_bert.errors import one_line
from keras_bert.foreign_files import read_json
from keras_bert.training.runs.run_lock import is_running

BAD_INPUT = 2
"""Exit status of a program of this package for input that the user can mend."""

_SECONDS = 0.2  # between two looks at the folder


class RunProcess:
    """Runs `keras-bert finetune`, or what leaves the same files, until it ends or is stopped.

    A run that is at its end already is not run again, and one that was stopped goes on, as that program does. Where
    another process is still at it, such as one whose parent was killed, it is waited for.

    Args:
        command: The program and its arguments.
        folder: Where it writes `log.csv`, `status.json` and `metrics.json`; what it says goes to `FOLDER.log`.

    Example:
        >>> run = RunProcess(["keras-bert", "finetune", "--output=runs/a"], Path("runs/a"))  # doctest: +SKIP
        >>> run.wait()  # doctest: +SKIP
        {'seconds': 31.0, 'epochs': 3, 'dev': {'accuracy': 0.84}}
    """

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self.command = list(command)
        self.folder = folder
        self.log = folder.with_name(folder.name + ".log")
        self.status: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopped = threading.Event()

    def wait(self, is_enough: Callable[[list[dict[str, float]]], bool] = lambda rows: False) -> dict[str, Any] | None:
        """Runs to the end.

        Args:
            is_enough: Is given the rows of the log when there are more, and says whether to stop.

        Returns:
            What `metrics.json` holds; None for a run that was stopped, or failed: then `status` is its exit status.
        """
        seen = -1
        while True:
            if (metrics := self._metrics()) is not None:
                return metrics
            if self._is_stopped.is_set():
                self.close()
                return None
            if self._process is None and not is_running(self.folder):
                self.log.parent.mkdir(parents=True, exist_ok=True)
                with self.log.open("ab") as log:
                    self._process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            rows = self.rows()
            if len(rows) > seen:
                seen = len(rows)
                if rows and is_enough(rows):
                    self._is_stopped.set()
                    continue
            if self._process is not None and (status := self._process.poll()) is not None:
                if status == BAD_INPUT and is_running(self.folder):  # the other one was first to hold the folder
                    self._process = None
                    continue
                self.status = status
                return self._metrics()
            time.sleep(_SECONDS)

    def stop(self) -> None:
        """Lets `wait` end the process: it saves a checkpoint, and goes on from there the next time."""
        self._is_stopped.set()

    def rows(self) -> list[dict[str, float]]:
        """Returns the rows of the log so far, without what was not measured."""
        try:
            with (self.folder / "log.csv").open(newline="", encoding="utf-8") as file:
                return [
                    {name: float(value) for name, value in row.items() if value not in ("", "NA", None)}
                    for row in csv.DictReader(file)
                ]
        except (FileNotFoundError, ValueError):  # not there yet, or a row is half written
            return []

    @property
    def last_words(self) -> str:
        """The last line that the program said."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines() if self.log.exists() else []
        return one_line(next((line for line in reversed(lines) if line.strip()), "it said nothing"), 500)

    def _metrics(self) -> dict[str, Any] | None:
        """Returns the scores of a run that is at its end."""
        if self._state() != "finished":
            return None
        return read_json(self.folder / "metrics.json")

    def _state(self) -> str | None:
        status = read_json(self.folder / "status.json")
        return None if status is None else status.get("state")

    def close(self) -> None:
        """Ends the process, if it runs: it saves a checkpoint first."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()
