"""A training run: everything around `fit`, from the folder that is checked to the scores of the best model."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import keras
import tensorflow as tf
from absl import logging

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.evaluation.curves import plot_curves
from keras_bert.files import write_file
from keras_bert.training.optimizers.adamw import AdamW
from keras_bert.training.optimizers.optimizer import adamw
from keras_bert.training.runs.between_workers import digest_of, lost_workers_named, refuse_unequal_workers
from keras_bert.training.runs.clock import ClockSchedule
from keras_bert.training.runs.data_fingerprint import check_facts, data_fingerprint, labels_of
from keras_bert.training.runs.epoch_log import EpochLog
from keras_bert.training.runs.epoch_run import EpochRun
from keras_bert.training.runs.made_once import MadeOnce
from keras_bert.training.runs.phase import Phase, are_phases, epochs_of
from keras_bert.training.runs.run_budget import RunBudget
from keras_bert.training.runs.run_checkpoints import checkpoint_names
from keras_bert.training.runs.run_folder import goes_on, new_model_is_there, run_folder, worker_folder
from keras_bert.training.runs.run_log import RunLog
from keras_bert.training.runs.run_settings import RunSettings
from keras_bert.training.runs.run_state import RunState
from keras_bert.training.runs.run_status import RunStatus
from keras_bert.training.runs.save_best import mode_of
from keras_bert.training.runs.training_log import TrainingLog
from keras_bert.training.runs.watch_loss import WatchLoss
from keras_bert.training.runs.watch_stalls import WatchStalls
from keras_bert.training.strategy import is_chief_of

Part = TypeVar("Part")

FEW_STEPS = 50
"""Steps up to which a run is told that it may have learned nothing."""


class Run:
    """Trains a model, and leaves in a folder what a run leaves: the best model, scores, log, curves, checkpoints.

    It goes on where it was stopped, at the very step: with the same rows, seed and settings it ends with the weights,
    bit for bit on one device, of a run that was left alone. `keras-bert finetune` and `pretrain` are this, with flags.

    Args:
        folder: Of the run. Gets `model/` (a Hugging Face folder), `metrics.json`, `log.csv`, `status.json`, which
            `keras-bert status` shows, and `checkpoints/` until the run is finished.
        model: A task, such as `BertClassifier`. One that is not compiled gets AdamW with the `learning_rate` of the
            settings.
        train: Rows as the model's `batches` takes them. Or a function from the number of an epoch to its batches; or
            phases, with an end each.
        dev: Rows to choose the best epoch by, as the model's `evaluate_rows` takes them.
        test: Rows to score once, with the best model.
        clock: For a budget of time: the schedule, in place of epochs or steps.
        card: Facts for the model card, see `keras_bert.serving.model_card`.
        data: For batches that a function makes: what they follow from, by name, such as the `data_fingerprint` of their
            rows; a run goes on only where that is what it was. Of rows it is known.
        callbacks: Further callbacks of `fit`.
        **settings: Those of `RunSettings`: `epochs`, `batch_size`, `seed`, `checkpoint_steps`, ...

    Attributes:
        best: The row of the log of the best epoch: `epoch` (from 1), `step`, `val_...`; None without `dev`.
        metrics: What `metrics.json` holds, when the run is finished: `seconds`, `epochs`, `best_epoch`, `best_step`,
            and the scores on `dev` and `test`; with `log_steps` `seconds`, `steps` and `held_out`.
        history: Name → values, one for each row of the log, as Keras' `History` has them.
        stopped_by: The signal that ended `train` before the end, or None.
        on_begin: Called with the run when its folder is there and its state restored.
        on_stop: Called with the run when it is told to stop, after it is saved.
        on_end: Called with the run when model and scores are there; what it adds to `metrics` is written with them.

    Raises:
        InputError: A setting that there is not or that is out of its range, or settings that do not go together.

    Example:
        >>> run = Run("runs/sst2", model, train, dev, epochs=3, batch_size=32, seed=1)  # doctest: +SKIP
        >>> run.train()  # doctest: +SKIP
        >>> run.metrics["dev"]["accuracy"]  # doctest: +SKIP
        0.92
    """

    def __init__(
        self,
        folder: str | Path,
        model: Any,
        train: tf.data.Dataset | Callable[[int], tf.data.Dataset] | Sequence[Phase],
        dev: tf.data.Dataset | None = None,
        test: tf.data.Dataset | None = None,
        *,
        clock: ClockSchedule | None = None,
        card: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        **settings: Any,
    ) -> None:
        self.settings = RunSettings.of(settings)
        self.target = Path(folder).expanduser()
        self.folder = self.target
        self.model = model
        self.dev = dev
        self.test = test
        self.clock = clock
        self.card: dict[str, Any] = {"metrics": {}, **(card or {})}
        self.callbacks = list(callbacks)
        self.metrics: dict[str, Any] = {}
        self.on_begin: Callable[[Run], None] | None = None
        self.on_stop: Callable[[Run], None] | None = None
        self.on_end: Callable[[Run], None] | None = None
        self.settings.check(are_phases(train), clock is not None, dev is not None)
        self._budget = RunBudget(model, self.settings, self.card)
        self._facts = {**labels_of(model), **self._budget.facts, **(data or {})}
        if isinstance(train, tf.data.Dataset) or hasattr(train, "fingerprint"):
            known = {"batch_size": self.settings.batch_size, "seed": self.settings.seed}
            self._facts |= {"rows": data_fingerprint(train), **known}
        phases = self._phases(train)
        self._batches = [MadeOnce(phase.batches) for phase in phases]
        self.phases = [
            dataclasses.replace(phase, batches=batches) for phase, batches in zip(phases, self._batches, strict=True)
        ]
        self._state: RunState | None = None
        self._log: RunLog | None = None
        self._status: RunStatus | None = None

    # -- what is asked of it -----------------------------------------------------------------------------

    @property
    def state(self) -> RunState:
        """Where the run is; when it has begun."""
        return _begun(self._state)

    @property
    def log(self) -> RunLog:
        """The log; when the run has begun."""
        return _begun(self._log)

    @property
    def best(self) -> dict[str, float] | None:
        """The row of the best epoch; see the class."""
        return self._log.best if isinstance(self._log, EpochLog) else None

    @property
    def history(self) -> dict[str, list[float]]:
        """Name → values; see the class."""
        return {} if self._log is None else self._log.columns

    @property
    def stopped_by(self) -> int | None:
        """The signal that ended `train` before the end, or None."""
        return None if self._state is None else self._state.stopped_by

    @property
    def steps(self) -> int | None:
        """Steps of the whole run; None for a budget of time."""
        last = self.phases[-1]
        if last.steps is not None:
            return last.steps
        if any(phase.epochs is None for phase in self.phases):
            return None
        pairs = zip(self.phases, self._batches, strict=True)
        return sum(batches.count(0) * (phase.epochs or 0) for phase, batches in pairs)

    def train(self) -> dict[str, Any] | None:
        """Trains to the end of the run, from where it was stopped; saves, scores, and writes everything down.

        SIGTERM, SIGHUP, SIGUSR1 and Ctrl-C end the step, save, and end this.

        Returns:
            `metrics`; None if a signal stopped the run, which goes on when this is called again, here or in another
            process.

        Raises:
            InputError: The folder holds something that is not to be replaced, or another program trains there; the loss
                is no number or explodes; another worker has gone; the disk is full.
        """
        self._compile()
        self._check_monitor()
        with self._folder() as (folder, resumes), lost_workers_named(self.model.distribute_strategy):
            self.folder = folder
            self._begin(resumes)
            stalls = WatchStalls(self.state, self.settings.stall_seconds)
            self.state.listen()
            try:
                if not self._loop(stalls).train():
                    self._stop()
                    return None
                self._end()
            finally:
                stalls.stop()
                self.state.stop_listening()
        return self.metrics

    # -- the beginning -----------------------------------------------------------------------------------

    def _phases(self, train: Any) -> list[Phase]:
        if are_phases(train):
            return list(train)
        settings = self.settings
        batches = train if callable(train) else self._batches_of(train)
        epochs = settings.epochs
        if settings.steps is None and self.clock is None and epochs is None:
            epochs = 3
        share = None if self.clock is None else 1.0
        evaluate = None if self.dev is None else lambda: self.score(self.dev)
        return [Phase(batches, epochs=epochs, steps=settings.steps, share=share, evaluate=evaluate)]

    def _batches_of(self, rows: tf.data.Dataset) -> Callable[[int], tf.data.Dataset]:
        size, seed = self.settings.batch_size, self.settings.seed
        return self._budget.batches_of(rows, size) or epochs_of(self.model, rows, size, seed)

    def score(self, rows: Any) -> dict[str, float]:
        """Scores the model on held-out rows."""
        evaluate = getattr(self.model, "evaluate_examples", None) or self.model.evaluate_rows
        return {name: float(value) for name, value in evaluate(rows, self.settings.eval_batch_size).items()}

    def _compile(self) -> None:
        if self.model.compiled:
            return
        with self.model.distribute_strategy.scope():
            if self.clock is not None:  # which sets the rate
                self.model.compile(AdamW(0.0, global_clipnorm=1.0, skip_nonfinite=True))
            else:
                self.model.compile(adamw(self.settings.learning_rate, steps=self.steps or 1, skip_nonfinite=True))

    def _check_monitor(self) -> None:
        """Refuses a score that there is not, by those of some of the rows, before anything is trained."""
        monitor = self.settings.monitor
        if monitor is None or self.dev is None:
            return
        some = self.settings.eval_batch_size
        scores = self.score(self.dev.take(some) if isinstance(self.dev, tf.data.Dataset) else self.dev)
        if monitor not in scores:
            raise InputError(f"monitor: no {monitor!r} among the scores; there are: {', '.join(sorted(scores))}")

    @contextlib.contextmanager
    def _folder(self) -> Iterator[tuple[Path, bool]]:
        """Gives the folder that this process writes to, and whether the run goes on from the chief's checkpoints."""
        overwrite, resume = self.settings.overwrite, self.settings.resume != "never"
        if not is_chief_of(self.model.distribute_strategy):
            resumes = resume and not overwrite and bool(checkpoint_names(self.target / "checkpoints"))
            with worker_folder() as own:
                yield own, resumes
            return
        resumes = goes_on(self.target, overwrite, resume)
        with run_folder(self.target, overwrite, resume) as own:
            yield own, resumes

    def _begin(self, resumes: bool) -> None:
        settings = self.settings
        state = RunState(
            self.folder / "checkpoints", settings.checkpoint_steps, settings.keep_checkpoints, keep_metrics=True
        )
        went_on = state.restore(self.model, self.target / "checkpoints" if resumes else None)
        if state.workers is not None:
            # What depends on the machine or the terminal may differ.
            same = {**dataclasses.asdict(settings), "verbose": None, "peak_flops": None}
            more = {"the weights": digest_of(self.model.variables), "the step": state.place["steps"]}
            refuse_unequal_workers(self.model.distribute_strategy, {**same, **self._facts, **more})
        if went_on:
            check_facts(state, self._facts, self.settings.resume, self.target)
        state.place["data"] = self._facts
        self._budget.begin(state.place)
        self._state = state
        self._log = self._make_log(state)
        if isinstance(self._log, EpochLog):
            self._log.check_best(self.model, self.target / "model")
        if self.clock is not None:
            self.clock.begin(state.seconds, None if state.workers is None else state.workers.of_chief)
        length: dict[str, Any] = {"steps": self.steps} if self.clock is None else {"budget": self.clock.budget}
        self._status = RunStatus(self.folder / "status.json", state, **length, monitor=self._log.monitor)
        state.before_leaving = self._stop
        if self.on_begin is not None:
            self.on_begin(self)
        elif went_on:
            logging.info("going on after step %s", f"{state.place['steps']:,}")

    def _make_log(self, state: RunState) -> RunLog:
        settings, path = self.settings, self.folder / "log.csv"
        tensorboard = self.folder / "tensorboard" if settings.tensorboard else None
        if settings.log_steps is not None:
            evaluate_every = -(-settings.evaluate_steps // settings.log_steps) * settings.log_steps
            flops = settings.flops_per_token, settings.peak_flops
            return TrainingLog(path, state, settings.log_steps, None, evaluate_every, *flops, tensorboard)
        monitor = str(settings.monitor or getattr(self.model, "monitor", "loss"))
        return EpochLog(
            path,
            state,
            save=self.save,
            monitor=monitor,
            mode=mode_of(monitor),
            evaluations_per_epoch=settings.evaluations_per_epoch,
            early_stopping=settings.early_stopping,
            tensorboard=tensorboard,
            spent=lambda: self._budget.spent(state.place["steps"], self._status),
        )

    def _loop(self, stalls: WatchStalls) -> EpochRun:
        return EpochRun(
            self.model,
            self.state,
            [self._noted(phase) for phase in self.phases],
            self.log,
            self.clock,
            before=[WatchLoss(self.state, self.settings.on_nan)],
            callbacks=[_begun(self._status), stalls, *self.callbacks],
            verbose=self.settings.verbose,
        )

    def _noted(self, phase: Phase) -> Phase:
        """Lets the status know of the scores."""
        if phase.evaluate is None:
            return phase
        evaluate = phase.evaluate

        def noted() -> Mapping[str, float]:
            scores = evaluate()
            _begun(self._status).note({f"val_{name}": float(value) for name, value in scores.items()})
            return scores

        return dataclasses.replace(phase, evaluate=noted)

    # -- the end -----------------------------------------------------------------------------------------

    def save(self) -> None:
        """Writes the model, over what the run has written before."""
        self.model.save_preset(self.folder / "model", overwrite=True, card=self.card)
        new_model_is_there(self.folder)

    def _stop(self) -> None:
        assert self.stopped_by is not None
        _begun(self._status).write("stopped")
        if self.on_stop is not None:
            self.on_stop(self)
        name, steps = signal.Signals(self.stopped_by).name, self.state.place["steps"]
        logging.warning("stopped by %s after step %s; the run goes on from there", name, f"{steps:,}")

    def _end(self) -> None:
        place = self.state.place
        if place["steps"] <= FEW_STEPS:
            logging.warning(
                "the run was %d steps long, in which a model hardly learns: more epochs, or smaller batches, make more",
                place["steps"],
            )
        metrics: dict[str, Any] = {"seconds": round(self.state.seconds, 1)}
        metrics |= self._end_of_epochs() if isinstance(self._log, EpochLog) else self._end_of_steps()
        self.metrics = metrics | self._budget.metrics(place["steps"])
        self.save()
        if self.settings.plots and self.history:
            steps = None if self.settings.log_steps is None else [row["step"] for row in self.log.rows]
            plot_curves(self.history, self.folder / "curves.png", steps)
        if self.on_end is not None:
            self.on_end(self)
        write_file(self.folder / "metrics.json", to_json(self.metrics, indent=2) + "\n")
        _begun(self._status).write("finished")
        if isinstance(self._log, EpochLog):
            # The run is over: what it was to go on from takes three times the room of its model.
            shutil.rmtree(self.folder / "checkpoints", ignore_errors=True)

    def _end_of_epochs(self) -> dict[str, Any]:
        """Goes back to the best epoch, and scores it."""
        best, last = self.best, self.log.rows[-1]
        if best is not None and best is not last:
            logging.info("going back to step %d, in epoch %d, the best one", best["step"], best["epoch"])
            # A worker that was resumed has no model of its own yet.
            own = self.folder if (self.folder / "model").is_dir() else self.target
            self.model.load_preset(own / "model")
        if self.dev is not None and hasattr(self.model, "tune_threshold"):
            self.model.tune_threshold(self.dev, self.settings.eval_batch_size)
        metrics: dict[str, Any] = {"epochs": last["epoch"]}
        if best is not None:
            metrics |= {"best_epoch": best["epoch"], "best_step": best["step"]}
        for part, rows in (("dev", self.dev), ("test", self.test)):
            if rows is not None:
                metrics[part] = self.score(rows)
                self.card["metrics"].update({f"{part} {name}": value for name, value in metrics[part].items()})
        return metrics

    def _end_of_steps(self) -> dict[str, Any]:
        """Takes the last scores; the checkpoint is that of the last step."""
        self.state.save()
        scores = {name[4:]: value for name, value in self.log.rows[-1].items() if name.startswith("val_")}
        self.card["metrics"].update({f"held out {name}": value for name, value in scores.items()})
        return {"steps": self.state.place["steps"], "held_out": scores}


def _begun(part: Part | None) -> Part:
    """Returns what a run has when it has begun."""
    if part is None:
        raise InputError("the run has not begun: call train() first")
    return part
