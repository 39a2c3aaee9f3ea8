"""The log of a run of epochs: a row for each epoch, or for each part of one, and which of them was the best."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from absl import logging

from keras_bert.errors import InputError
from keras_bert.training.runs.run_log import Evaluate, RunLog, show
from keras_bert.training.runs.run_state import RunState
from keras_bert.training.runs.save_best import find, is_better


class EpochLog(RunLog):
    """After each epoch, or each part of one, a row with the metrics over the epoch so far and the held-out scores.

    The model is saved when its score is the best so far, before the row is written: a run that is stopped in between
    scores again.

    Args:
        path: The .csv: `epoch` (from 1), `step` (done in all), the model's metrics, `val_...`.
        state: Where the run is; before this one among the callbacks, with `keep_metrics`.
        evaluate: Returns the held-out scores.
        save: Writes the model.
        monitor: The score that makes a model the best.
        mode: `"max"` or `"min"`: whether a higher or a lower score is better.
        evaluations_per_epoch: Into how many parts of equal length an epoch is cut, each with a row at its end.
        early_stopping: Epochs without a better score after which it is enough; 0: never.
        tensorboard: Folder of TensorBoard's files.
        spent: Returns what stands in a row beside, what of a budget is spent by then.

    Example:
        >>> log = EpochLog("runs/mine/log.csv", state, evaluate, save, "f1")  # doctest: +SKIP
    """

    def __init__(
        self,
        path: str | Path,
        state: RunState,
        evaluate: Evaluate | None = None,
        save: Callable[[], None] | None = None,
        monitor: str = "loss",
        mode: str = "max",
        evaluations_per_epoch: int = 1,
        early_stopping: int = 0,
        tensorboard: str | Path | None = None,
        spent: Callable[[], dict[str, float]] | None = None,
    ) -> None:
        super().__init__(path, state, evaluate, tensorboard)
        self.spent = spent
        self.save = save
        self.monitor: str = f"val_{monitor}"
        self.mode = mode
        self.evaluations_per_epoch = evaluations_per_epoch
        self.early_stopping = early_stopping

    @property
    def best(self) -> dict[str, float] | None:
        """The row of the best score so far, the first of several; None where none was measured."""
        index = self._best_index
        return None if index is None else self.rows[index]

    @property
    def _best_index(self) -> int | None:
        if self.save is None:
            return None
        best: int | None = None
        for index, row in enumerate(self.rows):
            if self.monitor not in row or index < self.state.place.get("lost_rows", 0):
                continue
            if best is None or is_better(row[self.monitor], self.rows[best][self.monitor], self.mode):
                best = index
        return best

    def check_best(self, model: Any, folder: Path) -> None:
        """Lets the best of the rows to come be the best where the model of the best so far cannot be used any more.

        Args:
            model: Keeps its weights.
            folder: With the model of the best so far, which `model.load_preset` opens at the end of the run.
        """
        if self.best is None:
            return
        before = [variable.numpy() for variable in model.variables]
        try:
            model.load_preset(folder)
        except (InputError, OSError) as error:
            logging.warning("%s: %s; of the epochs so far none is the best any more", folder, error)
            self.state.place["lost_rows"] = len(self.rows)
        for variable, value in zip(model.variables, before, strict=True):
            variable.assign(value)

    @property
    def is_enough(self) -> bool:
        """Whether the score has not become better for so many epochs."""
        best = self._best_index
        if not self.early_stopping or best is None:
            return False
        return len(self.rows) - 1 - best >= self.early_stopping * self.evaluations_per_epoch

    def begin(self) -> None:
        """Scores where a run was stopped while it scored."""
        self._end_part()

    def finish(self) -> None:
        """Makes a row after the last step, where a run ends within an epoch."""
        if self.state.place["steps"] and not self._is_done:
            self._add_row()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Makes a row when it is time."""
        self._summarize_step()
        # A run that is told to stop has been saved, and scores when it goes on.
        if self.state.stopped_by is None:
            self._end_part()
            if self.is_enough:
                self.model.stop_training = True

    @property
    def _is_done(self) -> bool:
        return bool(self.rows) and self.rows[-1]["step"] == self.state.place["steps"]

    def _end_part(self) -> None:
        count, parts, step = self.steps_per_epoch, self.evaluations_per_epoch, self.state.place["step"]
        ends = {max(count * part // parts, min(1, count)) for part in range(1, parts + 1)}
        if step and step in ends and not self._is_done:
            self._add_row()

    def _add_row(self) -> None:
        place = self.state.place
        # A run that ends with its epoch has moved on to the next one already.
        epoch = place["epoch"] + 1 if place["step"] else place["epoch"]
        spent = {} if self.spent is None else self.spent()
        row = {"epoch": epoch, "step": place["steps"], **self.state.logs, **self._scores(), **spent}
        best = self.best
        if self.save is not None and self.evaluate is not None:
            value = find(self.monitor, row)
            if best is None or is_better(value, best[self.monitor], self.mode):
                self.save()
        scores = {name: value for name, value in row.items() if name.startswith("val_")}
        show(f"epoch {epoch}, step {place['steps']}", scores)
        self._add(row, "epoch_")

    def _names(self) -> list[str]:
        return ["epoch", "step", *sorted({name for row in self.rows for name in row} - {"epoch", "step"})]
