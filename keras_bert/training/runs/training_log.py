"""A callback that writes down how a long run goes, every so many steps."""

import time
from collections.abc import Mapping
from pathlib import Path

from keras_bert.training.runs.run_log import Evaluate, RunLog, show
from keras_bert.training.runs.run_state import RunState

TOKENS = "tokens"
"""Name of the metric that counts real tokens; the log turns it into a rate."""


class TrainingLog(RunLog):
    """Every `every` steps a row with the means since the row before; every `evaluate_every` steps held-out scores.

    With a state that has `keep_metrics`, a row covers all steps since the row before, over the ends of epochs and over
    interruptions. Each row goes to a CSV file, to the log of the program, and to TensorBoard if asked.

    Args:
        path: The .csv: `step`, `seconds`, `learning_rate` (of that step), the model's metrics, `tokens_per_second` and
            `utilisation` (with a metric `tokens` and a peak), and the held-out scores, with `val_` before their names.
        state: Where the run is; before this one among the callbacks.
        every: Steps between two rows.
        evaluate: Returns name → value of the held-out scores.
        evaluate_every: Steps between two evaluations, a multiple of `every`; rates leave their time out.
        flops_per_token: Operations of a training step for one token, see `train_flops_per_token`.
        peak_flops: Operations a second that the device can do.
        tensorboard: Folder of TensorBoard's files.

    Example:
        >>> log = TrainingLog("runs/mine/log.csv", state, every=50)  # doctest: +SKIP
    """

    def __init__(
        self,
        path: str | Path,
        state: RunState,
        every: int = 100,
        evaluate: Evaluate | None = None,
        evaluate_every: int = 0,
        flops_per_token: float = 0.0,
        peak_flops: float = 0.0,
        tensorboard: str | Path | None = None,
    ) -> None:
        super().__init__(path, state, evaluate, tensorboard)
        self.every = every
        self.evaluate_every = evaluate_every
        self.flops_per_token = flops_per_token
        self.peak_flops = peak_flops
        self._since = time.perf_counter()

    @property
    def keeps_metrics(self) -> bool:
        """A row goes on over the end of an epoch."""
        return True

    def begin(self) -> None:
        """Measures held-out scores before the first step; makes the row in which a run was stopped."""
        if self.evaluate is not None and self.state.place["steps"] == 0 and not self.rows:
            self._add_row({}, self._scores())
        self._end_row()

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Goes on with the row that `fit` was in."""
        self.begin()
        self._since = time.perf_counter() - self.state.place.get("row_seconds", 0.0)

    def _shows_rate(self, steps: int) -> bool:
        return steps % self.every == 0

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Writes a row when it is time."""
        self.state.place["row_seconds"] = time.perf_counter() - self._since
        # A run that is told to stop has been saved, and makes its row when it goes on.
        if self.state.stopped_by is None:
            self._end_row()

    def _end_row(self) -> None:
        place = self.state.place
        steps = place["steps"]
        if not steps or steps % self.every or (self.rows and self.rows[-1]["step"] == steps):
            return
        values = self.state.logs
        if TOKENS in values:
            rate = values.pop(TOKENS) / place["row_seconds"]
            values["tokens_per_second"] = rate
            if self.peak_flops:
                values["utilisation"] = rate * self.flops_per_token / self.peak_flops
        is_due = bool(self.evaluate_every) and steps % self.evaluate_every == 0
        self._add_row({"learning_rate": place["rate"], **values}, self._scores() if is_due else {})
        self.state.begin_metrics()
        place["row_seconds"] = 0.0
        self._since = time.perf_counter()

    def finish(self) -> None:
        """Measures held-out scores at the end of a phase, unless its last step was measured already."""
        self._end_row()
        last = self.rows[-1] if self.rows else {}
        if self.evaluate is None or ("val_loss" in last and last["step"] == self.state.place["steps"]):
            return
        self._add_row({}, self._scores())

    def _add_row(self, values: Mapping[str, float], scores: Mapping[str, float]) -> None:
        steps = self.state.place["steps"]
        row = {"step": steps, "seconds": round(self.state.seconds, 1), **values, **scores}
        self._add(row)
        show(f"step {steps}, {row['seconds']:.0f} s", {**values, **scores}, ".4g")
