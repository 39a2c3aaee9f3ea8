"""A callback that writes down how a long run goes, every so many steps."""

import csv
import io
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from absl import logging

from keras_bert.files import write_file
from keras_bert.training.runs.run_state import RunState

TOKENS = "tokens"
"""Name of the metric that counts real tokens; the log turns it into a rate."""


class TrainingLog(keras.callbacks.Callback):
    """Every `every` steps a row with the means since the row before; every `evaluate_every` steps held-out scores.

    Each row goes to a CSV file, to the log of the program, and to TensorBoard if asked. A resumed run drops the rows
    that lie beyond its checkpoint and goes on below.

    Args:
        path: The .csv: `step`, `seconds`, `learning_rate`, the model's metrics, `tokens_per_second` and `utilisation`
            (with a metric `tokens` and a peak), and the held-out scores, with `val_` before their names.
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
        evaluate: Callable[[], Mapping[str, float]] | None = None,
        evaluate_every: int = 0,
        flops_per_token: float = 0.0,
        peak_flops: float = 0.0,
        tensorboard: str | Path | None = None,
    ) -> None:
        super().__init__()
        self.path = Path(path)
        self.state = state
        self.every = every
        self.evaluate = evaluate
        self.evaluate_every = evaluate_every
        self.flops_per_token = flops_per_token
        self.peak_flops = peak_flops
        self._writer = tf.summary.create_file_writer(str(tensorboard)) if tensorboard else None
        self._rows = self._earlier_rows()
        self._since = time.perf_counter()

    @property
    def rows(self) -> list[dict[str, float]]:
        """All rows so far; a value that was not measured in a row is missing there."""
        return self._rows

    def history(self, name: str) -> tuple[list[float], list[float]]:
        """Returns the steps at which a value was measured, and the values."""
        found = [(row["step"], row[name]) for row in self._rows if name in row]
        return [step for step, _ in found], [value for _, value in found]

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Measures held-out scores before the first step."""
        if self.evaluate is not None and self.state.place["steps"] == 0 and not self._rows:
            self._add({}, self.evaluate())
        self._since = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Writes a row when it is time."""
        steps = self.state.place["steps"]
        if steps % self.every:
            return
        values = {name: float(value) for name, value in (logs or {}).items()}
        seconds = time.perf_counter() - self._since
        if TOKENS in values:
            rate = values.pop(TOKENS) / seconds
            values["tokens_per_second"] = rate
            if self.peak_flops:
                values["utilisation"] = rate * self.flops_per_token / self.peak_flops
        values = {"learning_rate": float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)), **values}
        due = self.evaluate is not None and self.evaluate_every and steps % self.evaluate_every == 0
        self._add(values, self.evaluate() if due and self.evaluate is not None else {})
        self.model.reset_metrics()
        self._since = time.perf_counter()

    def finish(self) -> None:
        """Measures held-out scores at the end of the run, unless its last step was measured already."""
        last = self._rows[-1] if self._rows else {}
        if self.evaluate is not None and not ("val_loss" in last and last["step"] == self.state.place["steps"]):
            self._add({}, self.evaluate())

    def _add(self, values: Mapping[str, float], scores: Mapping[str, float]) -> None:
        row = {"step": self.state.place["steps"], "seconds": round(self.state.seconds, 1), **values}
        row |= {f"val_{name}": float(value) for name, value in scores.items()}
        self._rows.append(row)
        names = list(dict.fromkeys(name for each in self._rows for name in each))
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, names)
        writer.writeheader()
        writer.writerows(self._rows)
        write_file(self.path, text.getvalue())
        if self._writer is not None:
            with self._writer.as_default(step=int(row["step"])):
                for name, value in row.items():
                    if name != "step":
                        tf.summary.scalar(name, value)
            self._writer.flush()
        shown = (f"{name} {value:.4g}" for name, value in row.items() if name not in ("step", "seconds"))
        logging.info("step %d, %.0f s: %s", row["step"], row["seconds"], ", ".join(shown))

    def _earlier_rows(self) -> list[dict[str, Any]]:
        """Reads the rows of a run that is resumed, up to its checkpoint."""
        steps = self.state.place["steps"]
        if not steps or not self.path.is_file():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            rows = [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]
        return [row for row in rows if row["step"] <= steps]
