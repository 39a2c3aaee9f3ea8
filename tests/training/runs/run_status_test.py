"""What a run says of itself while it runs, and at its end."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from keras_bert.training import RunState, RunStatus


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def make(path: Path, **options: Any) -> tuple[RunState, RunStatus]:
    state = RunState(path / "checkpoints")
    status = RunStatus(path / "status.json", state, every=0.0, **options)
    status.on_train_begin()
    return state, status


def test_it_says_where_the_run_is_and_how_long_it_takes(tmp_path: Path):
    state, status = make(tmp_path, steps=100)
    assert (read(status.path)["state"], read(status.path)["seconds_left"]) == ("running", None)
    time.sleep(0.2)
    state.place.update(steps=20, epoch=1)
    status.on_train_batch_end(19, {"loss": 0.5})
    found = read(status.path)
    assert (found["step"], found["steps"], found["epoch"], found["metrics"]) == (20, 100, 2, {"loss": 0.5})
    assert 0 < found["steps_per_second"] <= 100
    assert found["seconds_left"] == pytest.approx(80 / found["steps_per_second"], abs=0.06)  # to a tenth
    assert (found["process"], found["time"]) == (os.getpid(), pytest.approx(time.time(), abs=60))
    status.note({"val_loss": 0.4})
    assert read(status.path)["metrics"] == {"loss": 0.5, "val_loss": 0.4}
    status.write("finished")
    assert (read(status.path)["state"], read(status.path)["seconds_left"]) == ("finished", 0)
    assert read(status.path)["epoch"] == 1  # of which this was the last step
    assert [path.name for path in tmp_path.iterdir()] == ["status.json"]


def test_a_budget_is_what_is_left_of_it(tmp_path: Path):
    _, status = make(tmp_path, budget=100.0)
    assert read(status.path)["seconds_left"] == pytest.approx(100, abs=10)


def test_it_writes_now_and_then_only(tmp_path: Path):
    state, status = make(tmp_path, steps=10)
    status.every = 60.0
    state.place["steps"] = 5
    status.on_train_batch_end(4, {})
    assert read(status.path)["step"] == 0
