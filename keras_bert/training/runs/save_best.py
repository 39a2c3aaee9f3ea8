"""A callback that keeps the best model of a run."""

import math
from collections.abc import Callable
from typing import Any

import keras
from absl import logging

from keras_bert.errors import InputError


class SaveBest(keras.callbacks.Callback):
    """Calls `save` after every epoch whose monitored value is better than all before; any number is better than nan.

    Args:
        save: Writes the model, atomically, over what an earlier call wrote.
        monitor: Name of a value in the epoch's logs.
        mode: `"max"` or `"min"`.

    Attributes:
        best: The best value so far, None before the first epoch.
        best_epoch: Its epoch, from 1.

    Raises:
        InputError: The logs hold no value of that name.

    Example:
        >>> best = SaveBest(lambda: print("saved"), "val_accuracy", "max")
        >>> best.on_epoch_end(0, {"val_accuracy": 0.8})
        saved
        >>> best.on_epoch_end(1, {"val_accuracy": 0.7})
    """

    def __init__(self, save: Callable[[], None], monitor: str, mode: str = "max") -> None:
        super().__init__()
        if mode not in ("max", "min"):
            raise ValueError(f"mode must be 'max' or 'min', received: {mode!r}")
        self.save = save
        self.monitor = monitor
        self.mode = mode
        self.best: float | None = None
        self.best_epoch: int | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves when the monitored value is the best so far."""
        logs = logs or {}
        if self.monitor not in logs:
            raise InputError(f"no {self.monitor!r} to monitor; there are: {', '.join(sorted(logs))}")
        value = float(logs[self.monitor])
        better = self.best is None or (value > self.best if self.mode == "max" else value < self.best)
        # Nothing compares with nan: without this a nan in the first epoch would stay the best for ever.
        if better or (self.best is not None and math.isnan(self.best) and not math.isnan(value)):
            self.best, self.best_epoch = value, epoch + 1
            self.save()
            logging.info("%s %.4f is the best so far, saved", self.monitor, value)
