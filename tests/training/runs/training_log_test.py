"""The log of a run against means, rates and steps worked out by hand."""

import csv
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_bert.training import RunState, TrainingLog


def make_model() -> keras.Model:
    """Its loss is the input, since it learns nothing."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    return model


def fit(log: TrainingLog, state: RunState, losses: list[float]) -> None:
    targets = np.sqrt(np.array(losses, "float32"))[:, None]
    make_model().fit(np.ones_like(targets), targets, batch_size=1, shuffle=False, verbose=0, callbacks=[state, log])


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_rows_hold_the_means_since_the_row_before(tmp_path: Path):
    state = RunState(tmp_path / "checkpoints", every_steps=0)
    log = TrainingLog(tmp_path / "log.csv", state, every=2)
    fit(log, state, [1.0, 3.0, 5.0, 9.0, 100.0])
    rows = read(tmp_path / "log.csv")
    assert [row["step"] for row in rows] == ["2", "4"]
    np.testing.assert_allclose([float(row["loss"]) for row in rows], [2.0, 7.0], rtol=1e-5)


@pytest.mark.parametrize("every", [1, 2])  # with 2 the run ends between two rows, as by the clock
def test_scores_come_at_the_start_when_due_and_at_the_end(tmp_path: Path, every: int):
    state = RunState(tmp_path / "checkpoints", every_steps=0)
    scores = iter([9.0, 8.0, 7.0])
    log = TrainingLog(tmp_path / "log.csv", state, every, evaluate=lambda: {"loss": next(scores)}, evaluate_every=2)
    fit(log, state, [1.0, 1.0, 1.0])
    log.finish()
    log.finish()  # measured already
    assert log.history("val_loss") == ([0, 2, 3], [9.0, 8.0, 7.0])


def test_tokens_become_a_rate_and_a_share_of_the_peak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    state = RunState(tmp_path / "checkpoints")
    log = TrainingLog(tmp_path / "log.csv", state, every=1, flops_per_token=10.0, peak_flops=1000.0)
    log.set_model(make_model())
    now = 50.0
    monkeypatch.setattr("keras_bert.training.runs.training_log.time.perf_counter", lambda: now)
    log.on_train_begin()
    log.on_train_batch_begin(0)
    now += 4.0
    state.place.update(steps=1, logs={"loss": 1.0, "tokens": 100.0})
    log.on_train_batch_end(0)
    assert log.rows[0]["tokens_per_second"] == 25.0
    assert log.rows[0]["utilisation"] == 0.25


def test_a_resumed_run_drops_rows_beyond_its_checkpoint_and_goes_on(tmp_path: Path):
    state = RunState(tmp_path / "checkpoints", every_steps=2)
    fit(TrainingLog(tmp_path / "log.csv", state, every=1), state, [1.0, 2.0, 3.0])
    resumed = RunState(tmp_path / "checkpoints", every_steps=0)
    assert resumed.restore(make_model())
    assert resumed.place["steps"] == 2
    fit(TrainingLog(tmp_path / "log.csv", resumed, every=1), resumed, [7.0])
    assert [(row["step"], round(float(row["loss"]))) for row in read(tmp_path / "log.csv")] == [
        ("1", 1),
        ("2", 2),
        ("3", 7),
    ]


def test_tensorboard_gets_every_value(tmp_path: Path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    state = RunState(tmp_path / "checkpoints", every_steps=0)
    fit(TrainingLog(tmp_path / "log.csv", state, every=1, tensorboard=tmp_path / "tb"), state, [1.0, 2.0])
    events = EventAccumulator(str(tmp_path / "tb")).Reload()
    assert [event.step for event in events.Tensors("loss")] == [1, 2]


def test_the_rate_is_that_of_the_step_of_the_row(tmp_path: Path):
    """A schedule's rate after a step is that of the next one."""
    model = make_model()
    model.compile(keras.optimizers.SGD(keras.optimizers.schedules.PolynomialDecay(1.0, 10, 0.0)), "mse")
    state = RunState(tmp_path / "checkpoints", every_steps=0)
    log = TrainingLog(tmp_path / "log.csv", state, every=2)
    ones = np.ones((4, 1))
    model.fit(ones, ones, batch_size=1, verbose=0, callbacks=[state, log])
    assert [row["learning_rate"] for row in log.rows] == pytest.approx([0.9, 0.7])
