"""A run of epochs: its log, its best epoch, and that interruptions leave no trace in either.

`tests/scripts/resume_test.py` has the same with a BERT, and the weights.
"""

import csv
import functools
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.training import AdamW, ClockSchedule, EpochLog, EpochRun, Phase, RunState, TrainingLog
from tests.training.runs.run_state_test import STEPS, At, assert_same, crash, epoch_of, make_model


def make_run(
    folder: Path, scores: Iterator[float], epochs: int = 3, *callbacks: Any, before: Any = (), **options: Any
) -> EpochRun:
    folder.mkdir(exist_ok=True)
    model = make_model()
    state = RunState(folder / "checkpoints", every_steps=1, keep_metrics=True)
    state.restore(model)
    log = EpochLog(folder / "log.csv", state, None, lambda: None, "score", **options)
    phase = Phase(epoch_of, epochs=epochs, evaluate=lambda: {"score": next(scores)})
    return EpochRun(model, state, [phase], log, before=before, callbacks=callbacks, verbose=0)


def slowly(*values: int) -> list[Any]:
    """Further values of a parameter, for the tests that take longer."""
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]


def log_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("steps", [STEPS - 1, 2 * STEPS + 1, *slowly(2, STEPS)])
def test_an_interruption_leaves_no_trace(tmp_path: Path, steps: int):
    whole = make_run(tmp_path / "whole", iter([0.1, 0.3, 0.2]))
    assert whole.train()
    with pytest.raises(RuntimeError, match="goes down"):
        make_run(tmp_path / "run", iter([0.1, 0.3, 0.2]), 3, At(steps, crash)).train()
    run = make_run(tmp_path / "run", iter([0.1, 0.3, 0.2][(steps - 1) // STEPS :]))
    assert run.state.place["steps"] == steps
    assert run.train()
    assert_same(run.model, [variable.numpy() for variable in whole.model.variables])
    assert log_of(tmp_path / "run") == log_of(tmp_path / "whole")
    assert [row["val_score"] for row in log_of(tmp_path / "run")] == ["0.1", "0.3", "0.2"]
    assert run.log.columns == whole.log.columns
    assert (run.log.best["val_score"], run.log.best["epoch"]) == (0.3, 2)


def test_metrics_of_an_epoch_are_over_all_of_it(tmp_path: Path):
    """Also where nothing of it is left to train but the scores are to be had."""
    run = make_run(tmp_path, iter([0.5]), 1)
    assert run.train()
    expected = run.log.rows[0]["loss"]
    again = make_run(tmp_path / "again", (crash() for _ in range(1)), 1)
    with pytest.raises(RuntimeError, match="goes down"):
        again.train()  # trained, saved, and broken off in the scoring
    assert again.state.place["step"] == STEPS
    resumed = make_run(tmp_path / "again", iter([0.5]), 1)
    assert resumed.train()
    assert resumed.log.rows[0]["loss"] == expected


def test_it_stops_early_also_after_a_resumption(tmp_path: Path):
    with pytest.raises(RuntimeError, match="goes down"):
        make_run(tmp_path, iter([0.5, 0.4, 0.3]), 9, At(2 * STEPS + 3, crash), early_stopping=3).train()
    run = make_run(tmp_path, iter([0.3, 0.2]), 9, early_stopping=3)
    assert run.train()
    assert (len(run.log.rows), run.log.best["epoch"]) == (4, 1)


SCORES = [0.1, 0.2, 0.5, 0.3, 0.4, 0.2]


def test_an_epoch_is_scored_several_times(tmp_path: Path):
    """The weights and the metrics of whole epochs are those of a run that is scored after each epoch."""
    whole = make_run(tmp_path / "whole", iter([0.1, 0.2]), 2)
    assert whole.train()
    run = make_run(tmp_path / "run", iter(SCORES), 2, evaluations_per_epoch=3)
    assert run.train()
    assert_same(run.model, [variable.numpy() for variable in whole.model.variables])
    log = log_of(tmp_path / "run")
    assert [(row["epoch"], row["step"]) for row in log] == [
        *[("1", str(step)) for step in (2, 4, 6)],
        *[("2", str(step)) for step in (8, 10, 12)],
    ]
    assert [float(row["val_score"]) for row in log] == SCORES
    assert [row["loss"] for row in run.log.rows[2::3]] == [row["loss"] for row in whole.log.rows]
    assert (run.log.best["epoch"], run.log.best["step"]) == (1, 6)


@pytest.mark.parametrize("steps", [3, 8, *slowly(1, 2, 7)])
def test_an_interruption_between_two_scores_of_an_epoch_leaves_no_trace(tmp_path: Path, steps: int):
    whole = make_run(tmp_path / "whole", iter(SCORES), 2, evaluations_per_epoch=3)
    assert whole.train()
    with pytest.raises(RuntimeError, match="goes down"):
        make_run(tmp_path / "run", iter(SCORES), 2, At(steps, crash), evaluations_per_epoch=3).train()
    run = make_run(tmp_path / "run", iter(SCORES[(steps - 1) // 2 :]), 2, evaluations_per_epoch=3)
    assert run.train()
    assert_same(run.model, [variable.numpy() for variable in whole.model.variables])
    assert run.log.rows == whole.log.rows


@pytest.mark.parametrize(
    ("before", "after", "rows"), [(3, 1, [2, 4, 6, 12]), (3, 2, [2, 4, 6, 9, 12]), (1, 3, [6, 8, 10, 12])]
)
def test_a_run_goes_on_with_fewer_or_more_scores_an_epoch(tmp_path: Path, before: int, after: int, rows: list[int]):
    whole = make_run(tmp_path / "whole", iter([0.1, 0.2]), 2)
    assert whole.train()
    with pytest.raises(RuntimeError, match="goes down"):
        make_run(tmp_path / "run", iter(SCORES), 2, At(7, crash), evaluations_per_epoch=before).train()
    run = make_run(tmp_path / "run", iter(SCORES), 2, evaluations_per_epoch=after)
    assert run.train()
    assert [row["step"] for row in run.log.rows] == rows
    assert_same(run.model, [variable.numpy() for variable in whole.model.variables])


def test_more_scores_than_steps_are_one_a_step(tmp_path: Path):
    run = make_run(tmp_path, iter([0.1] * STEPS), 1, evaluations_per_epoch=4 * STEPS)
    assert run.train()
    assert [row["step"] for row in run.log.rows] == list(range(1, STEPS + 1))


def test_patience_is_counted_in_epochs(tmp_path: Path):
    run = make_run(tmp_path, iter([0.1, 0.5, *[0.2] * 9]), 5, evaluations_per_epoch=2, early_stopping=1)
    assert run.train()
    assert run.log.rows[-1]["step"] == 2 * STEPS


def test_a_signal_ends_it_and_says_so(tmp_path: Path):
    run = make_run(tmp_path, iter([0.5] * 3), 3, At(4, lambda: os.kill(os.getpid(), signal.SIGTERM)))
    assert not run.train()
    assert run.state.stopped_by == signal.SIGTERM
    run.state.stop_listening()
    assert signal.getsignal(signal.SIGTERM) != run.state._leave


def test_without_scores_there_is_no_best(tmp_path: Path):
    model = make_model()
    state = RunState(tmp_path / "checkpoints", keep_metrics=True)
    state.attach(model)
    log = EpochLog(tmp_path / "log.csv", state, tensorboard=tmp_path / "tensorboard")
    assert EpochRun(model, state, [Phase(epoch_of, epochs=1)], log, verbose=0).train()
    assert log.best is None
    assert set(log_of(tmp_path)[0]) == {"epoch", "step", "loss"}
    assert list((tmp_path / "tensorboard").glob("events*"))


def phases_run(folder: Path, made: list[Any], *callbacks: Any, steps: int = 14) -> EpochRun:
    """Phases up to step 8 and from there on, with rows of the log every 4 steps; an epoch has 6."""
    folder.mkdir(exist_ok=True)
    model = make_model()
    state = RunState(folder / "checkpoints", every_steps=1, keep_metrics=True)
    state.restore(model)

    def batches(phase: int, epoch: int) -> tf.data.Dataset:
        made.append((phase, epoch))
        return epoch_of(10 * phase + epoch)

    phases = [
        Phase(functools.partial(batches, index), steps=end, evaluate=lambda index=index: {"loss": float(index)})
        for index, end in enumerate((8, steps))
    ]
    log = TrainingLog(folder / "log.csv", state, every=4, evaluate_every=8)
    return EpochRun(model, state, phases, log, callbacks=callbacks, verbose=0)


def untimed(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


class LossOfSteps(keras.callbacks.Callback):
    """Notes the loss of each step, from the sums of Keras' mean."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []
        self.before = np.zeros(2)

    @property
    def sums(self) -> np.ndarray:
        return np.array([variable.numpy() for variable in self.model.metrics_variables[:2]], "float64")

    def on_train_batch_begin(self, batch, logs=None):
        self.before = self.sums

    def on_train_batch_end(self, batch, logs=None):
        total, count = self.sums - self.before
        self.losses.append(total / count)


def test_phases_have_batches_and_held_out_rows_of_their_own(tmp_path: Path):
    """Each epoch is made once; a row of the log covers its four steps over the end of an epoch."""
    made: list[Any] = []
    note = LossOfSteps()
    run = phases_run(tmp_path, made)
    run.before.append(note)
    assert run.train()
    assert made == [(0, 0), (0, 1), (1, 0)]
    rows = [(row["step"], row.get("val_loss")) for row in run.log.rows]
    assert rows == [(0, 0.0), (4, None), (8, 0.0), (12, None), (14, 1.0)]
    for row in run.log.rows[1:4]:
        assert row["loss"] == pytest.approx(np.mean(note.losses[int(row["step"]) - 4 : int(row["step"])]), rel=1e-5)


@pytest.mark.parametrize("steps", [4, 8, *slowly(3, 6, 11)])
def test_an_interruption_leaves_no_trace_in_phases(tmp_path: Path, steps: int):
    whole = phases_run(tmp_path / "whole", [])
    assert whole.train()
    with pytest.raises(RuntimeError, match="goes down"):
        phases_run(tmp_path / "run", [], At(steps, crash)).train()
    run = phases_run(tmp_path / "run", [])
    assert run.state.place["steps"] == steps
    assert run.train()
    assert_same(run.model, [variable.numpy() for variable in whole.model.variables])
    assert untimed(run.log.rows) == untimed(whole.log.rows)


def test_a_longer_run_goes_on_after_the_end_of_a_shorter_one(tmp_path: Path):
    assert phases_run(tmp_path, [], steps=10).train()
    run = phases_run(tmp_path, [], steps=14)
    assert run.state.place["steps"] == 10
    assert run.train()
    assert run.state.place["steps"] == 14


def test_a_budget_is_shared_out_among_phases(tmp_path: Path):
    now = [0.0]
    clock = ClockSchedule(0.1, budget=10.0, clock=lambda: now[0])
    model = make_model()
    model.compile(AdamW(0.0), "mse")
    state = RunState(tmp_path / "checkpoints", keep_metrics=True)
    state.attach(model)
    made = []

    def batches(phase: int, epoch: int) -> tf.data.Dataset:
        made.append((phase, epoch, state.place["steps"]))
        return epoch_of(epoch)

    phases = [Phase(functools.partial(batches, index), share=share) for index, share in enumerate((0.3, 1.0))]
    tick = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: now.__setitem__(0, now[0] + 1.0))
    log = TrainingLog(tmp_path / "log.csv", state, every=5)
    assert EpochRun(model, state, phases, log, clock, before=[tick], verbose=0).train()
    assert made == [(0, 0, 0), (1, 0, 3), (1, 1, 9)]
    assert state.place["steps"] == 10


def test_a_callback_may_end_the_run(tmp_path: Path):
    run = make_run(tmp_path, iter([0.1] * 3))
    stop = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: setattr(run.model, "stop_training", run.state.place["steps"] == 8)
    )
    run.callbacks.append(stop)
    assert run.train()
    assert run.state.place["steps"] == 8
    assert [row["step"] for row in run.log.rows] == [6, 8]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda batches: batches.filter(lambda x, y: True), "nobody knows how many batches an epoch has"),
        (lambda batches: batches.take(0), "there are no rows to train on"),
    ],
)
def test_epochs_that_cannot_be_gone_on_with_are_refused(tmp_path: Path, change: Any, message: str):
    run = make_run(tmp_path, iter([]))
    run.phases = [Phase(lambda epoch: change(epoch_of(epoch)), epochs=1)]
    with pytest.raises(InputError, match=message):
        run.train()


def test_a_phase_has_one_end():
    with pytest.raises(ValueError, match="one of them"):
        Phase(epoch_of, epochs=1, steps=2)


@pytest.mark.parametrize("step", [1, 5, 6, 7])
def test_an_epoch_that_can_be_made_from_a_step_on_is(tmp_path: Path, step: int):
    """In place of making its batches again only to pass them over."""
    asked = []

    def from_one_on(epoch: int, begin: int = 0) -> tf.data.Dataset:
        asked.append((epoch, begin))
        return epoch_of(epoch).skip(begin)

    def run_of(folder: str, *callbacks: Any) -> EpochRun:
        run = make_run(tmp_path / folder, iter([0.1, 0.2, 0.3]), 2, *callbacks)
        run.phases = [Phase(from_one_on, epochs=2, evaluate=lambda: {"score": 0.5})]
        return run

    whole = run_of("whole")
    assert whole.train()
    with pytest.raises(RuntimeError, match="goes down"):
        run_of("run", At(step, crash)).train()
    asked.clear()
    resumed = run_of("run")
    begun_with = resumed.state.place["epoch"], resumed.state.place["step"]
    assert resumed.train()
    assert asked[0] == begun_with
    assert begun_with[0] * STEPS + begun_with[1] == step
    assert_same(resumed.model, [variable.numpy() for variable in whole.model.variables])
