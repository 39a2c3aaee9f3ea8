"""A callback that stops a run, or leaves a step out, when the loss is no number any more."""

import math
from typing import Any

import keras
import numpy as np
from absl import logging

from keras_bert.errors import InputError
from keras_bert.training.run_state import RunState


class WatchLoss(keras.callbacks.Callback):
    """Looks at the loss and the gradient of every step.

    With an optimizer that has `skip_nonfinite`, a step whose gradient is not finite has changed no weight when this
    sees it. `"stop"` then ends the run before a checkpoint counts the step; `"skip"` takes the step out of the metrics
    as well and goes on, and gives up after many in a row.

    It reads a number from the device after every step, which waits for the step to end. Put it before `RunState` among
    the callbacks.

    Args:
        state: Where the run is, for the messages.
        on_nan: `"stop"` or `"skip"`.
        patience: Steps left out in a row after which `"skip"` gives up.

    Attributes:
        skipped: Steps left out by this process.

    Raises:
        InputError: The loss or the gradient is not finite; the message names the step and the batch.

    Example:
        >>> model.fit(batches, callbacks=[WatchLoss(state, "skip"), state])  # doctest: +SKIP
    """

    def __init__(self, state: RunState, on_nan: str = "stop", patience: int = 10) -> None:
        super().__init__()
        if on_nan not in ("stop", "skip"):
            raise ValueError(f"on_nan must be 'stop' or 'skip', received: {on_nan!r}")
        self.state = state
        self.on_nan = on_nan
        self.patience = patience
        self.skipped = 0
        self._in_a_row = 0
        self._before: list[np.ndarray] = []
        self._counted = 0

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Takes up the count of the optimizer."""
        self._counted = self._left_out()

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Keeps what the metrics have counted."""
        if self.on_nan == "skip":
            self._before = [variable.numpy() for variable in self.model.metrics_variables]

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the step that is done."""
        loss, counted = float((logs or {}).get("loss", 0.0)), self._left_out()
        is_bad = counted > self._counted or not math.isfinite(loss)
        self._counted = counted
        if not is_bad:
            self._in_a_row = 0
            return
        place = self.state.place
        what = "the gradient is not finite" if math.isfinite(loss) else f"the loss is {loss}"
        where = f"step {place['steps'] + 1} (epoch {place['epoch'] + 1}, batch {place['step'] + 1}): {what}"
        advice = "lower --learning_rate or raise --warmup"
        if self.on_nan == "stop":
            raise InputError(
                f"{where}; no weight has changed by it, and checkpoints before it are kept: "
                f"{advice}, or leave such steps out with --on_nan=skip"
            )
        self.skipped += 1
        self._in_a_row += 1
        if self._in_a_row >= self.patience:
            raise InputError(f"{where}, for {self._in_a_row} steps in a row; {advice}")
        logging.warning("%s; the step is left out (%d so far)", where, self.skipped)
        variables = self.model.metrics_variables
        if len(variables) > len(self._before):  # they are built with the first step
            self.model.reset_metrics()
            return
        for variable, value in zip(variables, self._before, strict=True):
            variable.assign(value)

    def _left_out(self) -> int:
        """Returns how many steps the optimizer has left out, as far as it counts them."""
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        counter = getattr(optimizer, "skipped", None)
        return 0 if counter is None else int(counter.numpy())
