"""Trying settings: runs as processes, of which poor ones are stopped early, until so many have been tried."""

import functools
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from absl import logging

from keras_bert.errors import InputError
from keras_bert.foreign_files import read_json
from keras_bert.tuning.run_process import BAD_INPUT, RunProcess
from keras_bert.tuning.space import Value
from keras_bert.tuning.study import COMPLETE, FAILED, PRUNED, RUNNING, Study, Trial

Command = Callable[[Mapping[str, Value], Path], Sequence[str]]
"""Gives the program and arguments of a run with some settings, which writes into a folder."""


def tune(
    study: Study,
    command: Command,
    folder: str | Path,
    trials: int,
    *,
    jobs: int = 1,
    prune: bool = True,
    keep_models: bool = False,
    on_end: Callable[[Trial], None] = lambda trial: None,
) -> Trial:
    """Tries settings until there are so many trials; goes on where an earlier call was killed.

    A trial is a process, `command(values, FOLDER/0007)`, which leaves what `keras-bert finetune` leaves. After each of
    its epochs it is stopped if its best score so far is worse than the median of the other trials' after as many. One
    that fails is a failed trial, with what it said last; the others go on.

    Args:
        study: What has been tried, and what to try next.
        command: Makes the command of a trial.
        folder: Of the trials.
        trials: How many there are to be in the end, earlier ones among them.
        jobs: Trials at a time. With more than one, what is proposed follows from which of them ended first.
        prune: Stop poor trials early.
        keep_models: Keep the model of every trial, in place of that of the best so far alone.
        on_end: Is given each trial that ended.

    Returns:
        The best trial.

    Raises:
        InputError: The first trial refuses its flags, or none came to its end.

    Example:
        >>> best = tune(study, command, "runs/tuned/trials", trials=20)  # doctest: +SKIP
        >>> best.values, best.score  # doctest: +SKIP
        ({'learning_rate': 4.1e-05, 'batch_size': 16}, 0.848)
    """
    tuner = _Tuner(study, command, Path(folder), trials, prune, keep_models, on_end)
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(tuner.work) for _ in range(jobs)]
        try:
            for future in futures:
                future.result()
        finally:
            tuner.stop()
    if study.best is None:
        raise InputError(f"none of {len(study.trials)} trials came to its end; see {folder}/0000.log")
    return study.best


class _Tuner:
    """What the threads of a search share."""

    def __init__(
        self,
        study: Study,
        command: Command,
        folder: Path,
        trials: int,
        prune: bool,
        keep_models: bool,
        on_end: Callable[[Trial], None],
    ) -> None:
        self._study, self._command, self._folder = study, command, folder
        self._trials, self._prune, self._keep_models, self._on_end = trials, prune, keep_models, on_end
        self._lock = threading.Lock()
        self._runs: set[RunProcess] = set()
        self._asked_for = 0  # trials that have not ended
        self._is_stopped = False

    def work(self) -> None:
        """Runs trials, one after the other, until there are enough."""
        while (trial := self._next()) is not None:
            folder = self._folder / f"{trial.number:04d}"
            run = RunProcess(self._command(trial.values, folder), folder)
            with self._lock:
                if self._is_stopped:
                    return
                self._runs.add(run)
            metrics = run.wait(functools.partial(self._is_poor, trial, folder))
            with self._lock:
                self._runs.discard(run)
                self._asked_for -= 1
                if self._is_stopped:
                    return
                self._end(trial, run, metrics)

    def stop(self) -> None:
        """Stops what runs; the trials stay to be gone on with."""
        with self._lock:
            self._is_stopped = True
            for run in self._runs:
                run.stop()

    def _next(self) -> Trial | None:
        with self._lock:
            ended = sum(trial.state != RUNNING for trial in self._study.trials)
            if self._is_stopped or ended + self._asked_for >= self._trials:
                return None
            self._asked_for += 1
            return self._study.ask()

    def _report(self, trial: Trial, folder: Path, rows: Sequence[Mapping[str, float]], is_over: bool = False) -> bool:
        monitor = f"val_{_monitor(folder)}"
        is_poor = self._study.report(trial, [row[monitor] for row in rows if monitor in row], is_over)
        return self._prune and is_poor

    def _is_poor(self, trial: Trial, folder: Path, rows: Sequence[Mapping[str, float]]) -> bool:
        with self._lock:
            return self._report(trial, folder, rows)

    def _end(self, trial: Trial, run: RunProcess, metrics: Mapping[str, Any] | None) -> None:
        if metrics is not None:
            monitor = _monitor(run.folder)
            scores = metrics.get("dev", {})
            if monitor not in scores:
                raise InputError(f"{run.folder}: its metrics.json has no {monitor} of the dev rows")
            facts = {"seconds": metrics["seconds"], "monitor": monitor, "dev": scores}
            facts |= {"test": metrics["test"]} if "test" in metrics else {}
            # As if each epoch had been seen when it ended: what is told must not depend on how fast a run was.
            is_poor = self._report(trial, run.folder, run.rows(), is_over=True)
            self._study.tell(trial, scores[monitor], PRUNED if is_poor else COMPLETE, **facts)
        elif run.status is None:
            self._study.tell(trial, None, PRUNED)
        else:
            if run.status == BAD_INPUT and not any(other.state == COMPLETE for other in self._study.trials):
                raise InputError(f"trial {trial.number}: {run.last_words.partition('error: ')[2] or run.last_words}")
            self._study.tell(trial, None, FAILED, error=run.last_words, status=run.status)
            logging.warning("trial %d failed with status %d: %s", trial.number, run.status, run.last_words)
        if not self._keep_models:
            self._drop_models()
        self._on_end(trial)

    def _drop_models(self) -> None:
        """Deletes the models and checkpoints of trials that are over and not the best."""
        for trial in self._study.trials:
            if trial.state != RUNNING and trial is not self._study.best:
                for name in ("model", "checkpoints"):
                    shutil.rmtree(self._folder / f"{trial.number:04d}" / name, ignore_errors=True)


def _monitor(folder: Path) -> str:
    """Returns the score that makes an epoch of a run the best.

    Raises:
        InputError: It measures none.
    """
    status = read_json(folder / "status.json") or {}
    if not status.get("monitor"):
        raise InputError(f"{folder}: the run has no score to be compared by; give it --dev")
    return str(status["monitor"])
