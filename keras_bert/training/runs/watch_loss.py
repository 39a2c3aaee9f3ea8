"""A callback that stops a run when the loss explodes or is no number any more, or leaves such a step out."""

import math
from typing import Any

import keras
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

    One watch sees a whole run, over all its epochs; what it has seen is part of the run's state, so that a run that
    goes on knows its past. Put it before `RunState` among the callbacks.

    The losses of the steps are the model's `last_step`, which waits for the step to end; the tasks of keras_bert have
    it. Of another model the mean that `fit` logs is looked at, in which a nan shows, and stays, and no explosion does.

    Args:
        state: Where the run is. Gets `hold`, and keeps what the watch has seen in `place["watch"]`.
        on_nan: `"stop"` or `"skip"`.
        patience: Steps left out in a row after which `"skip"` gives up.

    Attributes:
        skipped: Steps of the run left out.

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

    @property
    def skipped(self) -> int:
        """Steps of the run left out."""
        return self._seen["skipped"]

    @property
    def _seen(self) -> dict[str, Any]:
        """What the watch knows of the run: it goes with the state into the checkpoints."""
        first = {"losses": [], "high": 0, "skipped": 0, "in_a_row": 0}
        return self.state.place.setdefault("watch", first)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the step that is done."""
        step = getattr(self.model, "last_step", None)
        mean = float((logs or {}).get("loss", 0.0))
        loss, is_finite = (mean, math.isfinite(mean)) if step is None else step
        if is_finite:
            self._seen["in_a_row"] = 0
            if step is not None:
                self._look_for_explosion(loss)
            return
        what = "the gradient is not finite" if math.isfinite(loss) else f"the loss is {loss}"
        where, advice = f"{self._where()}: {what}", "lower --learning_rate or raise --warmup"
        if self.on_nan == "stop" or step is None:
            raise InputError(
                f"{where}; no weight has changed by it, and checkpoints before it are kept: "
                f"{advice}, or leave such steps out with --on_nan=skip"
            )
        seen = self._seen
        seen.update(skipped=seen["skipped"] + 1, in_a_row=seen["in_a_row"] + 1)
        if seen["in_a_row"] >= self.patience:
            raise InputError(f"{where}, for {seen['in_a_row']} steps in a row; {advice}")
        logging.warning("%s; the step is left out (%d so far)", where, seen["skipped"])

    def _where(self) -> str:
        place = self.state.place
        return f"step {place['steps'] + 1} (epoch {place['epoch'] + 1}, batch {place['step'] + 1})"

    def _look_for_explosion(self, loss: float) -> None:
        seen = self._seen
        losses = seen["losses"]
        if len(losses) >= FIRST_STEPS:
            peak = max(losses)
            seen.setdefault("first_peak", peak)
            seen["lowest_peak"] = min(seen.get("lowest_peak", peak), peak)
        losses.append(loss)
        del losses[:-WINDOW_STEPS]
        if "first_peak" not in seen:
            return
        limit = max(EXPLODED_FACTOR * seen["lowest_peak"], seen["first_peak"])
        seen["high"] = seen["high"] + 1 if loss > limit else 0
        self.state.hold = seen["high"] > 0
        if seen["high"] == EXPLODED_STEPS:
            raise InputError(
                f"{self._where()}: the loss has exploded: above {limit:.4g} for {EXPLODED_STEPS} steps, {loss:.4g} "
                "now; the checkpoints are from before that: start anew with a lower --learning_rate or more --warmup"
            )
