"""A callback that keeps the best model of a run."""

import math
from collections.abc import Callable, Mapping
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
        value = find(self.monitor, logs or {})
        if self.best is None or is_better(value, self.best, self.mode):
            self.best, self.best_epoch = value, epoch + 1
            self.save()
            logging.info("%s %.4f is the best so far, saved", self.monitor, value)


def find(monitor: str, logs: Mapping[str, Any]) -> float:
    """Returns the monitored value; an `InputError` that says what there is if there is none of that name."""
    if monitor not in logs:
        raise InputError(f"no {monitor!r} to monitor; there are: {', '.join(sorted(logs))}")
    return float(logs[monitor])


def is_better(value: float, best: float, mode: str) -> bool:
    """Tells whether a value is better than the best so far; any number is better than nan.

    Nothing compares with nan: without this a nan in the first epoch would stay the best for ever.

    Example:
        >>> is_better(0.5, 0.4, "max"), is_better(0.5, 0.4, "min"), is_better(0.5, float("nan"), "max")
        (True, False, True)
    """
    if math.isnan(value) or math.isnan(best):
        return math.isnan(best) and not math.isnan(value)
    return value > best if mode == "max" else value < best


def mode_of(score: str) -> str:
    """Returns `"min"` for losses, errors and perplexities, which are better the lower they are; `"max"` for others.

    Example:
        >>> mode_of("loss"), mode_of("mse"), mode_of("f1")
        ('min', 'min', 'max')
    """
    return "min" if score.split("_")[-1] in ("loss", "mse", "mae", "rmse", "error", "perplexity") else "max"
