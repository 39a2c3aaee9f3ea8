"""A run of epochs: its log, its best epoch, and that interruptions leave no trace in either.

`tests/scripts/resume_test.py` has the same with a BERT, and the weights.
"""

import csv
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keras_bert.training import EpochRun, RunState
from tests.training.runs.run_state_test import STEPS, At, assert_same, crash, epoch_of, make_model


def make_run(folder: Path, scores: Iterator[float], epochs: int = 3, *callbacks: Any, **options: Any) -> EpochRun:
    folder.mkdir(exist_ok=True)
    model = make_model()
    state = RunState(folder / "checkpoints", every_steps=1, keep_metrics=True)
    state.restore(model)
    return EpochRun(
        model,
        state,
        lambda epoch: epoch_of(epoch),
        epochs,
        folder / "log.csv",
        lambda: {"score": next(scores)},
        lambda: None,
        "val_score",
        callbacks=callbacks,
        verbose=0,
        **options,
    )


def log_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("steps", [2, STEPS - 1, STEPS, 2 * STEPS + 1])
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
    assert run.history == whole.history
    assert (run.best.best, run.best.best_epoch) == (0.3, 2)


def test_metrics_of_an_epoch_are_over_all_of_it(tmp_path: Path):
    """Also where nothing of it is left to train but the scores are to be had."""
    run = make_run(tmp_path, iter([0.5]), 1)
    assert run.train()
    expected = run.rows[0]["loss"]
    again = make_run(tmp_path / "again", iter([]), 1)
    with pytest.raises(StopIteration):
        again.train()  # trained, saved, and broken off in the scoring
    assert again.state.place["step"] == STEPS
    resumed = make_run(tmp_path / "again", iter([0.5]), 1)
    assert resumed.train()
    assert resumed.rows[0]["loss"] == expected


def test_it_stops_early_also_after_a_resumption(tmp_path: Path):
    with pytest.raises(RuntimeError, match="goes down"):
        make_run(tmp_path, iter([0.5, 0.4, 0.3]), 9, At(2 * STEPS + 3, crash), early_stopping=3).train()
    run = make_run(tmp_path, iter([0.3, 0.2]), 9, early_stopping=3)
    assert run.train()
    assert (len(run.rows), run.best.best_epoch) == (4, 1)


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
        *[("0", str(step)) for step in (2, 4, 6)],
        *[("1", str(step)) for step in (8, 10, 12)],
    ]
    assert [float(row["val_score"]) for row in log] == SCORES
    assert [row["loss"] for row in run.rows[2::3]] == [row["loss"] for row in whole.rows]
    assert (run.best_row["epoch"], run.best_row["step"]) == (0, 6)


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 8])
def test_an_interruption_between_two_scores_of_an_epoch_leaves_no_trace(tmp_path: Path, steps: int):
    whole = make_run(tmp_path / "whole", iter(SCORES), 2, evaluations_per_epoch=3)
    assert whole.train()
    with pytest.raises(RuntimeError, match="goes down"):
        make_run(tmp_path / "run", iter(SCORES), 2, At(steps, crash), evaluations_per_epoch=3).train()
    run = make_run(tmp_path / "run", iter(SCORES[(steps - 1) // 2 :]), 2, evaluations_per_epoch=3)
    assert run.train()
    assert_same(run.model, [variable.numpy() for variable in whole.model.variables])
    assert run.rows == whole.rows


def test_more_scores_than_steps_are_one_a_step(tmp_path: Path):
    run = make_run(tmp_path, iter([0.1] * STEPS), 1, evaluations_per_epoch=4 * STEPS)
    assert run.train()
    assert [row["step"] for row in run.rows] == list(range(1, STEPS + 1))


def test_patience_is_counted_in_epochs(tmp_path: Path):
    run = make_run(tmp_path, iter([0.1, 0.5, *[0.2] * 9]), 5, evaluations_per_epoch=2, early_stopping=1)
    assert run.train()
    assert run.rows[-1]["step"] == 2 * STEPS


def test_a_signal_ends_it_and_says_so(tmp_path: Path):
    run = make_run(tmp_path, iter([0.5] * 3), 3, At(4, lambda: os.kill(os.getpid(), signal.SIGTERM)))
    assert not run.train()
    assert run.state.stopped_by == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) != run.state._leave


def test_without_scores_there_is_no_best(tmp_path: Path):
    model = make_model()
    state = RunState(tmp_path / "checkpoints", keep_metrics=True)
    state.attach(model)
    run = EpochRun(model, state, epoch_of, 1, tmp_path / "log.csv", verbose=0, tensorboard=tmp_path / "tensorboard")
    assert run.train()
    assert run.best is None
    assert set(log_of(tmp_path)[0]) == {"epoch", "step", "loss"}
    assert list((tmp_path / "tensorboard").glob("events*"))
