"""What all logs of a run do: rows of numbers in a .csv file, in the run's state, on the console, in TensorBoard."""

import csv
import io
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import tensorflow as tf
from absl import logging

from keras_bert.files import write_file
from keras_bert.training.runs.run_state import RunState

Evaluate = Callable[[], Mapping[str, float]]

TENSORBOARD_STEPS = 50
"""Steps between two points of TensorBoard's curves."""


class RunLog(keras.callbacks.Callback):
    """Keeps the rows of a run's log.

    The rows are part of the run's state, so that a run that goes on has those of its checkpoint, on all workers. A
    subclass says when a row is due and what is in it.

    Args:
        path: The .csv.
        state: Where the run is; before this one among the callbacks.
        evaluate: Returns name → value of the held-out scores, which get `val_` before their names.
        tensorboard: Folder of TensorBoard's files.
    """

    monitor: str | None = None
    """The column that makes a row the best, if one does."""

    def __init__(
        self,
        path: str | Path,
        state: RunState,
        evaluate: Evaluate | None = None,
        tensorboard: str | Path | None = None,
    ) -> None:
        super().__init__()
        self.path = Path(path)
        self.state = state
        self.evaluate = evaluate
        self.steps_per_epoch = 0
        self._writer = tf.summary.create_file_writer(str(tensorboard)) if tensorboard else None
        if self.rows:
            self._write()

    @property
    def rows(self) -> list[dict[str, float]]:
        """All rows so far; a value that was not measured in a row is missing there."""
        return self.state.place.setdefault("rows", [])

    @property
    def keeps_metrics(self) -> bool:
        """Whether the metrics of a row may go on counting from one epoch to the next."""
        return False

    @property
    def is_enough(self) -> bool:
        """Whether the run need not go on."""
        return False

    def history(self, name: str) -> tuple[list[float], list[float]]:
        """Returns the steps at which a value was measured, and the values."""
        found = [(row["step"], row[name]) for row in self.rows if name in row]
        return [step for step, _ in found], [value for _, value in found]

    @property
    def columns(self) -> dict[str, list[float]]:
        """Name → values of all rows, as Keras' `History` has them; nan where a value was not measured."""
        names = dict.fromkeys(name for row in self.rows for name in row if name not in ("epoch", "step", "seconds"))
        return {name: [row.get(name, math.nan) for row in self.rows] for name in names}

    def begin(self) -> None:
        """Does what is to be done before the next step: at the start, or where a run was stopped while it scored."""

    def finish(self) -> None:
        """Measures what is still to be measured after the last step of a phase."""

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Notes the learning rate of the step, which its optimizer no longer knows after it."""
        steps = self.state.place["steps"] + 1
        if self._shows_rate(steps) or (self._writer is not None and steps % TENSORBOARD_STEPS == 0):
            self.state.place["rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

    def _shows_rate(self, steps: int) -> bool:
        """Whether the row after so many steps shows the learning rate."""
        del steps
        return False

    def _summarize_step(self) -> None:
        """Gives TensorBoard the metrics so far, every so many steps."""
        steps = self.state.place["steps"]
        if self._writer is None or steps % TENSORBOARD_STEPS:
            return
        with self._writer.as_default(step=steps):
            for name, value in {**self.state.logs, "learning_rate": self.state.place["rate"]}.items():
                tf.summary.scalar(name, value)

    def _add(self, row: Mapping[str, float], prefix: str = "") -> None:
        """Adds a row; the values go to TensorBoard with the prefix before their names."""
        # In one go: a signal may come at any time, and saves.
        self.state.place["rows"] = [*self.rows, dict(row)]
        self._write()
        if self._writer is not None:
            with self._writer.as_default(step=int(row["step"])):
                for name, value in row.items():
                    if name not in ("step", "epoch"):
                        tf.summary.scalar(f"{prefix}{name}", value)
            self._writer.flush()

    def _names(self) -> list[str]:
        """Returns the names of the columns, in their order."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def _write(self) -> None:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self._names())
        writer.writeheader()
        writer.writerows(self.rows)
        write_file(self.path, text.getvalue())

    def _scores(self) -> dict[str, float]:
        """Measures the held-out scores."""
        if self.evaluate is None:
            return {}
        return {f"val_{name}": float(value) for name, value in self.evaluate().items()}


def show(what: str, values: Mapping[str, float], digits: str = ".4f") -> None:
    """Logs values on a line, as `epoch 1, step 20: val_loss 0.5034, val_f1 0.8123`."""
    if values:
        logging.info("%s: %s", what, ", ".join(f"{name} {value:{digits}}" for name, value in values.items()))
