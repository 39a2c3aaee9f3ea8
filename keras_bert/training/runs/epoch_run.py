"""A run of epochs that can be stopped at any step and goes on from there."""

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from absl import logging

from keras_bert.files import write_file
from keras_bert.training.runs.evaluate_rows import EvaluateRows
from keras_bert.training.runs.run_state import RunState
from keras_bert.training.runs.save_best import SaveBest


class EpochRun:
    """Trains a compiled model with `fit`, scores it after each epoch, or more often, and keeps the best one.

    What a stopped run needs to go on at the very step is all in the run's state: the place in the data, the metrics of
    the epoch that is broken off, the rows of the log, the best epoch. The rest follows from the seed: the batches of an
    epoch must not depend on those before it.

    Args:
        model: Compiled.
        state: Of the run, with `keep_metrics`; restored, if there was something to restore.
        batches: From the number of an epoch, from 0, to its batches, of known cardinality.
        epochs: Passes over the data.
        log: The .csv with a row for each evaluation: `epoch` (from 0), `step` (done in all), the model's metrics over
            the epoch so far, `val_...`.
        evaluate: Returns name → score, after each epoch or part of one.
        save: Writes the model; called when the score is the best so far.
        monitor: The score that makes it the best; higher is better.
        early_stopping: Epochs without a better score after which the run ends; 0: never.
        evaluations_per_epoch: Into how many parts of equal length an epoch is cut, each with an evaluation at its end.
        callbacks: Further callbacks of `fit`; those in `before` come before the state, the others behind it.
        before: Callbacks that see a step before the state counts it.
        tensorboard: Folder of TensorBoard's files.
        verbose: As that of `fit`.

    Attributes:
        best: The `SaveBest`, which counts evaluations, or None without `evaluate`.

    Example:
        >>> run = EpochRun(model, state, batches_of_epoch, epochs=3, log="log.csv")  # doctest: +SKIP
        >>> run.train()  # doctest: +SKIP
        True
    """

    def __init__(
        self,
        model: keras.Model,
        state: RunState,
        batches: Callable[[int], tf.data.Dataset],
        epochs: int,
        log: str | Path,
        evaluate: Callable[[], Mapping[str, float]] | None = None,
        save: Callable[[], None] | None = None,
        monitor: str = "val_loss",
        early_stopping: int = 0,
        evaluations_per_epoch: int = 1,
        before: Sequence[keras.callbacks.Callback] = (),
        callbacks: Sequence[keras.callbacks.Callback] = (),
        tensorboard: str | Path | None = None,
        verbose: int = 2,
    ) -> None:
        self.model = model
        self.state = state
        self.batches = batches
        self.epochs = epochs
        self.log = Path(log)
        self.evaluate = EvaluateRows(evaluate) if evaluate else None
        self.best = SaveBest(save, monitor, "max") if evaluate and save else None
        self.early_stopping = early_stopping
        self.evaluations_per_epoch = evaluations_per_epoch
        self.before = before
        self.callbacks = callbacks
        self.verbose = verbose
        self._writer = tf.summary.create_file_writer(str(tensorboard)) if tensorboard else None
        place = state.place
        place.setdefault("rows", [])
        if self.best is not None and place.get("best_epoch"):
            self.best.best, self.best.best_epoch = place["best"], place["best_epoch"]
        if place["rows"]:
            self._write_log()

    @property
    def rows(self) -> list[dict[str, float]]:
        """What each evaluation has measured so far, as in the log."""
        return self.state.place["rows"]

    @property
    def best_row(self) -> dict[str, float] | None:
        """The row of the best evaluation, None where there is none."""
        return self.rows[self.best.best_epoch - 1] if self.best is not None and self.best.best_epoch else None

    @property
    def history(self) -> dict[str, list[float]]:
        """Name → values of all evaluations, as Keras' `History` has them."""
        names = dict.fromkeys(name for row in self.rows for name in row if name not in ("epoch", "step"))
        return {name: [row.get(name, math.nan) for row in self.rows] for name in names}

    def train(self) -> bool:
        """Trains until the end, or until told to stop.

        Returns:
            Whether the run is at its end; if not, `state.stopped_by` tells why.
        """
        place = self.state.place
        try:
            while place["epoch"] < self.epochs and not self._is_enough():
                batches = self.batches(place["epoch"])
                count = int(batches.cardinality())
                end = self._next_evaluation(count)
                # With an empty data set Keras would start a step, random numbers included.
                if place["step"] < end:
                    self._fit(batches.skip(place["step"]).take(end - place["step"]), count)
                if self.state.stopped_by is not None:
                    return False
                self.state.listen()
                self._end_part(is_last=end == count)
        finally:
            self.state.stop_listening()
        return True

    def _is_enough(self) -> bool:
        if not self.early_stopping or self.best is None or self.best.best_epoch is None:
            return False
        return len(self.rows) - self.best.best_epoch >= self.early_stopping * self.evaluations_per_epoch

    def _next_evaluation(self, count: int) -> int:
        """Returns the step of the epoch, of `count` steps, after which the model is scored next."""
        parts = self.evaluations_per_epoch
        ends = sorted({max(count * part // parts, min(1, count)) for part in range(1, parts + 1)})
        done = sum(row["epoch"] == self.state.place["epoch"] for row in self.rows)
        return ends[done]

    def _fit(self, batches: tf.data.Dataset, count: int) -> None:
        epoch = self.state.place["epoch"]
        callbacks = [*self.before, self.state, *self.callbacks]
        if self._writer is not None:
            callbacks.append(keras.callbacks.LambdaCallback(on_train_batch_end=self._summarize_step))
        listed = keras.callbacks.CallbackList(
            callbacks,
            add_history=True,
            add_progbar=self.verbose != 0,
            verbose=self.verbose,
            epochs=self.epochs,
            steps=count,
            model=self.model,
        )
        self.model.fit(
            batches, initial_epoch=epoch, epochs=epoch + 1, callbacks=listed, verbose=self.verbose, shuffle=False
        )

    def _end_part(self, is_last: bool) -> None:
        """Scores the model, keeps it if it is the best, writes the log, and moves on."""
        place = self.state.place
        epoch, number, logs = place["epoch"], len(self.rows), dict(place["logs"])
        if self.evaluate is not None:
            self.evaluate.on_epoch_end(number, logs)
        if self.best is not None:
            self.best.on_epoch_end(number, logs)
        scores = {name: float(value) for name, value in logs.items()}
        if shown := [f"{name} {value:.4f}" for name, value in scores.items() if name.startswith("val_")]:
            logging.info("epoch %d, step %d: %s", epoch + 1, place["steps"], ", ".join(shown))
        if self._writer is not None:
            with self._writer.as_default(step=number):
                for name, value in scores.items():
                    tf.summary.scalar(f"epoch_{name}", value)
            self._writer.flush()
        # In one go: a signal may come at any time, and saves.
        place.update(
            rows=[*place["rows"], {"epoch": epoch, "step": place["steps"], **scores}],
            best=self.best and self.best.best,
            best_epoch=self.best and self.best.best_epoch,
            **({"epoch": epoch + 1, "step": 0} if is_last else {}),
        )
        self._write_log()

    def _summarize_step(self, batch: int, logs: Mapping[str, Any] | None) -> None:
        steps = self.state.place["steps"]
        if self._writer is None or steps % 50:
            return
        values = {name: float(value) for name, value in (logs or {}).items()}
        values["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        with self._writer.as_default(step=steps):
            for name, value in values.items():
                tf.summary.scalar(name, value)

    def _write_log(self) -> None:
        names = sorted({name for row in self.rows for name in row} - {"epoch", "step"})
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, ["epoch", "step", *names])
        writer.writeheader()
        writer.writerows(self.rows)
        write_file(self.log, text.getvalue())
