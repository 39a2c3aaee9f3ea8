"""A callback that stops a run when the loss explodes or is no number any more, or leaves such a step out."""

import collections
import math
from typing import Any

import keras
import numpy as np
from absl import logging

from keras_bert.errors import InputError
from keras_bert.training.runs.run_state import RunState

# A loss has exploded when for so many steps in a row
EXPLODED_STEPS = 5
# it is above so many times the peak
EXPLODED_FACTOR = 3.0
# of the quietest so many steps of the run, and above all of its first steps.
WINDOW_STEPS = 100
FIRST_STEPS = 20


class WatchLoss(keras.callbacks.Callback):
    """Looks at the loss and the gradient of every step.

    With an optimizer that has `skip_nonfinite`, a step whose gradient is not finite has changed no weight when this
    sees it. `"stop"` then ends the run before a checkpoint counts the step; `"skip"` takes the step out of the metrics
    as well and goes on, and gives up after many in a row.

    A finite loss has exploded when for five steps it is above three times the peak of the quietest hundred steps of the
    run (at first of twenty), and above the first twenty steps: so a run that knows its rows by heart may stumble, and a
    loss that grows little by little is found. A run that goes well does not come there. Let its losses vary as much as
    exponentially distributed ones (squared errors of two rows), which no batch of 16 does: the peak of twenty is
    topped threefold five times in a row with probability 1 / C(35, 15) = 3e-10; of 10,000 windows of a hundred the
    quietest has its peak at 2.4 means, and five steps above 7.3 means have probability exp(-36). Such a run ends under
    `"skip"`, too: its weights are spoiled already. No checkpoint is made while the loss is so high.

    It reads a number from the device after every step, which waits for the step to end. Put it before `RunState` among
    the callbacks.

    Args:
        state: Where the run is, for the messages.
        on_nan: `"stop"` or `"skip"`.
        patience: Steps left out in a row after which `"skip"` gives up.

    Attributes:
        skipped: Steps left out by this process.

    Raises:
        InputError: The loss or the gradient is not finite, or the loss has exploded; the message names the step and the
            batch.

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
        self._losses: collections.deque[float] = collections.deque(maxlen=WINDOW_STEPS)
        self._high = 0
        self._every_steps = state.every_steps
        self._mean, self._steps, self._carried = 0.0, 0, 0

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Takes up the count of the optimizer."""
        self._counted = self._left_out()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Begins with the metrics, which `fit` has just reset."""
        self._mean, self._steps = 0.0, 0
        self._carried = self.state.place["step"] if self.state.keep_metrics else 0

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
            self._look_for_explosion(loss)
            return
        what = "the gradient is not finite" if math.isfinite(loss) else f"the loss is {loss}"
        where, advice = f"{self._where()}: {what}", "lower --learning_rate or raise --warmup"
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

    def _where(self) -> str:
        place = self.state.place
        return f"step {place['steps'] + 1} (epoch {place['epoch'] + 1}, batch {place['step'] + 1})"

    def _look_for_explosion(self, mean: float) -> None:
        """Takes the mean over the epoch so far, as Keras logs it."""
        self._steps += 1
        if self._carried and self._steps == 2:  # the steps before the run was resumed have come into the mean
            self._steps += self._carried
            self._mean = mean
            return
        loss = mean * self._steps - self._mean * (self._steps - 1)
        self._mean = mean
        place = self.state.place
        if len(self._losses) >= FIRST_STEPS:
            peak = max(self._losses)
            place.setdefault("first_peak", peak)
            place["lowest_peak"] = min(place.get("lowest_peak", peak), peak)
        self._losses.append(loss)
        if "first_peak" not in place:
            return
        limit = max(EXPLODED_FACTOR * place["lowest_peak"], place["first_peak"])
        self._high = self._high + 1 if loss > limit else 0
        self.state.every_steps = 0 if self._high else self._every_steps
        if self._high == EXPLODED_STEPS:
            raise InputError(
                f"{self._where()}: the loss has exploded: above {limit:.4g} for {EXPLODED_STEPS} steps, {loss:.4g} "
                "now; the checkpoints are from before that: start anew with a lower --learning_rate or more --warmup"
            )

    def _left_out(self) -> int:
        """Returns how many steps the optimizer has left out, as far as it counts them."""
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        counter = getattr(optimizer, "skipped", None)
        return 0 if counter is None else int(counter.numpy())
