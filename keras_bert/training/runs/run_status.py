"""A callback that leaves a sign of life: where a run is, how fast it goes, what it measured last."""

import os
import socket
import time
from collections import deque
from pathlib import Path
from typing import Any

import keras

from keras_bert.escaping import to_json
from keras_bert.files import write_file
from keras_bert.training.runs.run_state import RunState


class RunStatus(keras.callbacks.Callback):
    """Writes a small JSON file every few seconds, beside and then renamed; `keras-bert status` reads it.

    Args:
        path: The file. It holds `state` (running, stopped or finished), `step`, `steps` (of the whole run, null for a
            budget of time), `epoch` (from 1), `seconds`, `seconds_left` (null where it is not known),
            `steps_per_second` (of late), `metrics`, `monitor` (the score that makes an epoch the best, null where
            none does), `process`, `host`, `time` (Unix seconds).
        state: Where the run is; before this one among the callbacks.
        steps: Steps of the whole run; None for a budget.
        budget: Seconds of the whole run, in place of steps.
        every: Seconds between two writes.
        monitor: Name of the score that makes an epoch the best; as in the log, with `val_` before it, too.

    Example:
        >>> status = RunStatus("runs/mine/status.json", state, steps=1000)  # doctest: +SKIP
    """

    def __init__(
        self,
        path: str | Path,
        state: RunState,
        steps: int | None = None,
        budget: float | None = None,
        every: float = 5.0,
        monitor: str | None = None,
    ) -> None:
        super().__init__()
        self.path = Path(path)
        self.state = state
        self.steps = steps
        self.budget = budget
        self.every = every
        self.monitor = monitor and monitor.removeprefix("val_")
        self._metrics: dict[str, float] = {}
        self._recent: deque[tuple[float, int]] = deque(maxlen=20)
        self._written = float("-inf")

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Writes that the run runs."""
        self._recent.append((time.monotonic(), self.state.place["steps"]))
        self.write("running")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes when it is time."""
        now = time.monotonic()
        if now - self._written >= self.every:
            self._recent.append((now, self.state.place["steps"]))
            self._metrics |= {name: float(value) for name, value in (logs or {}).items()}
            self.write("running")

    def note(self, metrics: dict[str, float]) -> None:
        """Takes further metrics, such as held-out scores."""
        self._metrics |= metrics
        self.write("running")

    def write(self, state: str) -> None:
        """Writes now: `running`, `stopped` or `finished`."""
        place = self.state.place
        # The place is that of the next step, which after the last one would be in another epoch.
        is_over = state == "finished" and place["step"] == 0 and place["epoch"] > 0
        if not self._recent:
            self._recent.append((time.monotonic(), place["steps"]))
        (began, first), (now, last) = self._recent[0], self._recent[-1]
        rate = (last - first) / (now - began) if now > began else 0.0
        left = None
        if state == "finished":
            left = 0.0
        elif self.budget is not None:
            left = max(0.0, self.budget - self.state.seconds)
        elif self.steps is not None and rate:
            left = (self.steps - place["steps"]) / rate
        status = {
            "state": state,
            "step": place["steps"],
            "steps": self.steps,
            "epoch": place["epoch"] + (not is_over),
            "seconds": round(self.state.seconds, 1),
            "seconds_left": left if left is None else round(left, 1),
            "steps_per_second": round(rate, 4),
            "metrics": self._metrics,
            "monitor": self.monitor,
            "process": os.getpid(),
            "host": socket.gethostname(),
            "time": time.time(),
        }
        write_file(self.path, to_json(status) + "\n")
        self._written = time.monotonic()
