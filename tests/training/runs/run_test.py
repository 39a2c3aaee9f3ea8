"""A run as Python has it: what it trains, keeps, measures and leaves, and that it goes on where it was stopped.

With a small model that has what a task has for a run; `tests/scripts` has the same with a BERT.
"""

import json
import logging
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks.base.global_batch import GlobalBatchModel
from keras_bert.training import AdamW, ClockSchedule, LinearWarmupDecay, Phase, Run
from tests.training.runs.run_state_test import At, assert_same, crash

ROWS, STEPS, EPOCHS = 48, 6, 3


class Tiny(GlobalBatchModel):
    """A regression that is saved and loaded in a folder, as tasks are."""

    monitor = "r2"

    def batches(
        self, rows: tf.data.Dataset, batch_size: int, shuffle: bool, seed: int, begin: int = 0
    ) -> tf.data.Dataset:
        assert shuffle
        return rows.shuffle(ROWS, seed=seed).batch(batch_size).skip(begin)

    def evaluate_rows(self, rows: tf.data.Dataset, batch_size: int) -> dict[str, float]:
        (x, y) = next(iter(rows.batch(1000)))
        error = float(np.mean((self(x).numpy() - y.numpy()) ** 2))
        return {"loss": error, "r2": 1.0 - error}

    def save_preset(self, folder: Path, overwrite: bool, card: Any) -> None:
        assert overwrite
        folder.mkdir(exist_ok=True)
        np.savez(folder / "weights.npz", *self.get_weights())
        (folder / "card.json").write_text(json.dumps(card))

    def load_preset(self, folder: Path) -> None:
        with np.load(folder / "weights.npz") as file:
            self.set_weights([file[name] for name in file.files])


def make_model(is_compiled: bool = True) -> Tiny:
    keras.utils.set_random_seed(1)
    inputs = keras.Input((4,))
    hidden = keras.layers.Dropout(0.5, seed=3)(keras.layers.Dense(3)(inputs))
    model = Tiny(inputs, keras.layers.Dense(1)(hidden))
    if is_compiled:
        rate = LinearWarmupDecay(0.1, EPOCHS * STEPS, 3)
        model.compile(AdamW(rate, global_clipnorm=1.0, skip_nonfinite=True), "mse")
    return model


def rows(count: int = ROWS, seed: int = 0) -> tf.data.Dataset:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 4)).astype("float32")
    return tf.data.Dataset.from_tensor_slices((x, x.sum(1, keepdims=True)))


def make_run(folder: Path, *callbacks: Any, model: Tiny | None = None, **settings: Any) -> Run:
    options = {"epochs": EPOCHS, "batch_size": 8, "seed": 1, "checkpoint_steps": 2, "verbose": 0, **settings}
    model = make_model() if model is None else model
    return Run(folder, model, rows(), rows(16, 1), rows(16, 2), callbacks=callbacks, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Run:
    run = make_run(tmp_path_factory.mktemp("runs") / "whole")
    assert run.train() == run.metrics
    return run


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_it_measures_and_leaves(whole: Run):
    assert names_in(whole.folder) == {"model", "metrics.json", "log.csv", "status.json"}
    assert whole.metrics == json.loads((whole.folder / "metrics.json").read_text())
    assert set(whole.metrics) == {"seconds", "epochs", "best_epoch", "best_step", "dev", "test"}
    assert set(whole.history) == {"loss", "val_loss", "val_r2"}
    assert len(whole.history["loss"]) == EPOCHS
    scores = whole.history["val_r2"]
    assert whole.best["epoch"] == whole.metrics["best_epoch"] == 1 + int(np.argmax(scores))
    assert whole.metrics["dev"]["r2"] == pytest.approx(max(scores))
    again = make_model()
    again.load_preset(whole.folder / "model")
    assert again.evaluate_rows(rows(16, 2), 64) == pytest.approx(whole.metrics["test"])
    card = json.loads((whole.folder / "model/card.json").read_text())
    assert card["metrics"]["test r2"] == pytest.approx(whole.metrics["test"]["r2"])


def same(run: Run, whole: Run) -> None:
    assert_same(run.model, [variable.numpy() for variable in whole.model.variables])
    assert run.log.rows == whole.log.rows
    assert {**run.metrics, "seconds": 0} == {**whole.metrics, "seconds": 0}


@pytest.mark.parametrize("steps", [3, STEPS, EPOCHS * STEPS - 1])
def test_after_a_crash_it_ends_as_if_there_was_none(tmp_path: Path, whole: Run, steps: int):
    with pytest.raises(RuntimeError, match="goes down"):
        make_run(tmp_path / "run", At(steps, crash)).train()
    run = make_run(tmp_path / "run")
    run.train()
    same(run, whole)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_stops_it_and_the_same_call_goes_on(
    tmp_path: Path, whole: Run, number: int, caplog, request: pytest.FixtureRequest
):
    if signal.getsignal(number) is signal.SIG_IGN:  # under nohup SIGHUP is ignored, which a run respects
        signal.signal(number, signal.SIG_DFL)
        request.addfinalizer(lambda: signal.signal(number, signal.SIG_IGN))
    handler = signal.getsignal(number)
    run = make_run(tmp_path / "run", At(8, lambda: os.kill(os.getpid(), number)))
    with caplog.at_level(logging.WARNING, logger="absl"):
        assert run.train() is None
    assert run.stopped_by == number
    assert f"stopped by {signal.Signals(number).name} after step 9; the run goes on from there" in caplog.text
    assert signal.getsignal(number) is handler
    assert json.loads((tmp_path / "run/status.json").read_text())["state"] == "stopped"
    assert run.train()
    same(run, whole)


def test_an_ignored_signal_is_ignored(tmp_path: Path):
    """As SIGHUP is under nohup."""
    earlier = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert make_run(tmp_path / "run", At(3, lambda: os.kill(os.getpid(), signal.SIGHUP)), epochs=1).train()
    finally:
        signal.signal(signal.SIGHUP, earlier)


@pytest.mark.parametrize("moment", ["evaluate_rows", "save_preset"])
@pytest.mark.parametrize("call", [1, 4])
def test_a_signal_while_it_scores_or_saves(tmp_path: Path, whole: Run, moment: str, call: int, monkeypatch):
    """The first time in an epoch, the fourth after the last one: what is done is kept, what is not is done again."""
    method, calls = getattr(Tiny, moment), []

    def told(self: Tiny, *arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == call:
            os.kill(os.getpid(), signal.SIGTERM)
        return method(self, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Tiny, moment, told)
        with pytest.raises(SystemExit) as exit_of:
            make_run(tmp_path / "run").train()
    assert exit_of.value.code == 143
    run = make_run(tmp_path / "run")
    run.train()
    same(run, whole)


def test_each_epoch_is_made_once(tmp_path: Path):
    made = []

    def batches(epoch: int) -> tf.data.Dataset:
        made.append(epoch)
        return rows(ROWS, epoch).batch(8)

    run = Run(tmp_path / "run", make_model(), batches, epochs=2, verbose=0)
    assert run.steps == 12
    run.train()
    assert made == [0, 1]
    assert run.best is None


def test_a_model_that_is_not_compiled_gets_adamw(tmp_path: Path, caplog):
    model = make_model(is_compiled=False)
    model.compile = lambda optimizer: GlobalBatchModel.compile(model, optimizer, "mse")
    with caplog.at_level(logging.WARNING, logger="absl"):
        make_run(tmp_path / "run", model=model, learning_rate=0.2).train()
    schedule = model.optimizer._learning_rate
    assert (schedule.peak_learning_rate, schedule.steps, schedule.warmup_steps) == (0.2, 18, 2)
    assert "the run was 18 steps long, in which a model hardly learns" in caplog.text


def test_the_score_that_is_watched_chooses(tmp_path: Path):
    run = make_run(tmp_path / "run", monitor="loss")
    run.train()
    assert run.best["val_loss"] == min(run.history["val_loss"])


def test_a_score_that_there_is_not_is_refused_before_training(tmp_path: Path):
    with pytest.raises(InputError, match="no 'los' among the scores; there are: loss, r2"):
        make_run(tmp_path / "run", At(0, crash), monitor="los").train()
    assert not (tmp_path / "run").exists()


def test_a_finished_run_is_replaced_only_when_there_is_a_new_model(tmp_path: Path):
    make_run(tmp_path / "run", epochs=1).train()
    before = (tmp_path / "run/model/weights.npz").read_bytes()
    with pytest.raises(InputError, match=r"already holds .* overwrite=True"):
        make_run(tmp_path / "run").train()
    stop = At(1, lambda: os.kill(os.getpid(), signal.SIGINT))
    assert make_run(tmp_path / "run", stop, overwrite=True).train() is None
    assert (tmp_path / "run/model/weights.npz").read_bytes() == before
    assert (tmp_path / "run/metrics.json").exists()
    run = make_run(tmp_path / "run")
    run.train()
    assert run.metrics["epochs"] == EPOCHS
    assert names_in(tmp_path / "run") == {"model", "metrics.json", "log.csv", "status.json"}


def test_a_run_by_steps_keeps_the_last_model_and_can_be_made_longer(tmp_path: Path):
    def make(steps: int) -> Run:
        evaluate = lambda: {"loss": 0.5}  # noqa: E731
        phase = Phase(lambda epoch: rows(ROWS, epoch).batch(8), steps=steps, evaluate=evaluate)
        return Run(tmp_path / "run", make_model(), [phase], log_steps=5, evaluate_steps=5, verbose=0)

    assert make(10).train() == {"seconds": pytest.approx(0, abs=60), "steps": 10, "held_out": {"loss": 0.5}}
    run = make(20)
    assert run.train()["steps"] == 20
    assert [row["step"] for row in run.log.rows] == [0, 5, 10, 15, 20]
    assert (tmp_path / "run" / "checkpoints").is_dir()


def test_a_budget_of_time(tmp_path: Path):
    now = [0.0]
    tick = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: now.__setitem__(0, now[0] + 1.0))
    clock = ClockSchedule(0.1, budget=8.0, clock=lambda: now[0])
    model = make_model(is_compiled=False)
    model.compile = lambda optimizer: GlobalBatchModel.compile(model, optimizer, "mse")
    run = Run(tmp_path / "run", model, rows(), rows(16, 1), clock=clock, batch_size=8, verbose=0)
    run.callbacks.append(tick)
    run.train()
    assert run.state.place["steps"] == 9  # the clock is looked at before the tick
    assert [row["step"] for row in run.log.rows] == [6, 9]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epoch": 3}, "no setting 'epoch'; 'epochs'?"),
        ({"num_labels": 3}, "no setting 'num_labels'; it has epochs, steps,"),
        ({"batch_size": 0}, "batch_size is a whole number, 1 or more, received: 0"),
        ({"epochs": 2.5}, "epochs is a whole number, 1 or more, received: 2.5"),
        ({"on_nan": "ignore"}, "on_nan must be 'stop' or 'skip'"),
        ({"epochs": 1, "steps": 5}, "leave out one of them"),
    ],
)
def test_bad_settings(tmp_path: Path, settings: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message.replace("?", r"\?")):
        Run(tmp_path / "run", make_model(), rows(), rows(), **settings)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["early_stopping", "evaluations_per_epoch", "monitor"])
def test_what_needs_held_out_rows(tmp_path: Path, name: str):
    with pytest.raises(InputError, match=f"{name} needs dev"):
        Run(tmp_path / "run", make_model(), rows(), **{name: "r2" if name == "monitor" else 2})


def test_a_name_that_tensorflow_takes_for_a_pattern_is_refused_before_anything_is_computed(tmp_path: Path):
    with pytest.raises(InputError, match=r"b\[1\]: TensorFlow takes \[ in a path for a pattern"):
        make_run(tmp_path / "b[1]", At(0, crash)).train()
    assert list(tmp_path.iterdir()) == []


def test_other_rows_or_batches_are_noticed(tmp_path: Path, caplog):
    """Half of the batch size is twice the steps, at the same row."""
    stop = At(8, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert make_run(tmp_path / "run", stop).train() is None
    with pytest.raises(InputError, match="batch_size: 8 then, 4 now"):
        make_run(tmp_path / "run", batch_size=4).train()
    other = Run(tmp_path / "run", make_model(), rows(40), rows(16, 1), epochs=EPOCHS, batch_size=8, seed=1, verbose=0)
    with pytest.raises(InputError, match=r"rows: 48 rows, .* then, 40 rows, .* now"):
        other.train()
    run = make_run(tmp_path / "run", batch_size=4, resume="changed")
    run.on_begin = lambda run: starts.append(run.state.place["step"])
    starts: list[int] = []
    with caplog.at_level(logging.WARNING, logger="absl"):
        run.train()
    assert starts == [6]  # three batches of 8 of the second epoch were done
    assert "rows of this epoch may come twice or not at all: batch_size: 8 then, 4 now" in caplog.text
    assert [row["step"] for row in run.log.rows] == [6, 15, 27]


def test_when_the_model_of_the_best_is_gone_the_best_to_come_counts(tmp_path: Path, whole: Run, caplog):
    """It says so before it trains; the weights go on as they were."""
    stop = At(2 * STEPS + 1, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert make_run(tmp_path / "run", stop).train() is None
    shutil.rmtree(tmp_path / "run/model")
    run = make_run(tmp_path / "run")
    with caplog.at_level(logging.WARNING, logger="absl"):
        run.train()
    assert "of the epochs so far none is the best any more" in caplog.text
    assert run.best["epoch"] == EPOCHS
    assert run.log.rows == whole.log.rows
