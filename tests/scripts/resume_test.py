"""`keras-bert finetune` and `pretrain` go on where they were stopped, and end as the same run left alone, bit for bit.

`pretrain_test.py` has pretraining and SIGTERM; `kill_test.py` has kill -9, as processes.
"""

import csv
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import load_file

from keras_bert.tasks.base.labelled_task import LabelledTask
from keras_bert.tasks.base.task import BertTask
from keras_bert.training import RunState
from tests.scripts.programs import Result, fit_without_steps, run_program

EPOCHS, STEPS = 2, 8  # of 128 rows, 16 a step


@pytest.fixture(scope="module")
def flags(encoder: Path, tables: Path) -> list[str]:
    data = [f"--train={tables}/train.tsv", f"--dev={tables}/dev.tsv", "--text=sentence", f"--preset={encoder}"]
    return [*data, "--batch_size=16", f"--epochs={EPOCHS}", "--learning_rate=1e-2", "--noplots", "--max_length=24"]


def finetune(folder: Path, flags: list[str], *more: str) -> Result:
    return run_program("finetune", f"--output={folder}", *flags, *more)


@pytest.fixture(scope="module")
def whole(flags: list[str], tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    done = finetune(folder, flags)
    assert done.status == 0, done.stderr
    return folder


def log_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open() as file:
        return list(csv.DictReader(file))


def assert_same_run(folder: Path, whole: Path) -> None:
    one, other = (load_file(path / "model" / "model.safetensors") for path in (whole, folder))
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        np.testing.assert_array_equal(other[name], tensor, err_msg=name)
    assert log_of(folder) == log_of(whole)
    results = [json.loads((path / "metrics.json").read_text()) for path in (whole, folder)]
    assert {**results[0], "seconds": 0} == {**results[1], "seconds": 0}


def at_steps(monkeypatch: pytest.MonkeyPatch, action: Any, *steps: int) -> None:
    """Does something when a step begins that has so many before it."""
    begin, left = RunState.on_train_batch_begin, list(steps)

    def on_train_batch_begin(self: RunState, batch: int, logs: Any = None) -> None:
        begin(self, batch, logs)
        if self.place["steps"] in left:
            left.remove(self.place["steps"])
            action()

    monkeypatch.setattr(RunState, "on_train_batch_begin", on_train_batch_begin)


class CrashError(Exception):
    """Stands for a power cut: nothing of ours handles it."""


def crash() -> None:
    raise CrashError


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([3, STEPS, EPOCHS * STEPS - 1], id="three", marks=pytest.mark.slow),
        pytest.param([STEPS - 1, STEPS + 3], id="two more", marks=pytest.mark.slow),
    ],
)
def test_after_crashes_it_ends_as_if_there_were_none(steps: list[int], flags, whole, tmp_path: Path, monkeypatch):
    """In the first epoch, at the first step of the second, at the last of all; at the last of the first, in the second.

    Each run goes on where the one before it crashed.
    """
    at_steps(monkeypatch, crash, *steps)
    for _ in steps:
        with pytest.raises(CrashError):
            finetune(tmp_path / "run", flags, "--checkpoint_steps=2")
    done = finetune(tmp_path / "run", flags, "--checkpoint_steps=2")
    assert done.status == 0, done.stderr
    assert f"going on after step {steps[-1] // 2 * 2}" in done.stdout
    assert_same_run(tmp_path / "run", whole)
    assert not (tmp_path / "run" / "checkpoints").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_signal_lets_the_step_end_and_saves(number: int, flags, whole: Path, tmp_path: Path, monkeypatch):
    with monkeypatch.context() as patched:
        at_steps(patched, lambda: os.kill(os.getpid(), number), 12)
        stopped = finetune(tmp_path / "run", flags)
    assert stopped.status == 128 + number, stopped.stderr
    folder = tmp_path / "run"
    assert stopped.stderr.endswith(
        f"after step 13; keras-bert finetune --flagfile={folder}/flags.txt goes on from there\n"
    )
    assert json.loads((folder / "status.json").read_text())["state"] == "stopped"
    done = run_program("finetune", f"--flagfile={folder}/flags.txt")
    assert done.status == 0, done.stderr
    assert "other flags" not in done.stderr
    assert_same_run(folder, whole)


def test_a_signal_while_it_scores_an_epoch_saves_at_once(flags, whole: Path, tmp_path: Path, monkeypatch):
    evaluate, calls = LabelledTask.evaluate_rows, []

    def evaluate_rows(self: BertTask, *arguments: Any) -> dict[str, float]:
        calls.append(1)
        if len(calls) == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return evaluate(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(LabelledTask, "evaluate_rows", evaluate_rows)
        assert finetune(tmp_path / "run", flags).status == 143
    assert len(calls) == 1
    done = finetune(tmp_path / "run", flags)
    assert f"going on after step {STEPS}" in done.stdout
    assert_same_run(tmp_path / "run", whole)


@pytest.mark.slow
def test_every_row_is_seen_once_an_epoch(flags, tmp_path: Path, monkeypatch):
    """Over a crash: what is skipped are the rows that were trained on."""
    seen: list[list[bytes]] = []
    fit = BertTask.fit

    def record(self: BertTask, batches: Any, **options: Any) -> Any:
        rows = [
            row.tobytes() for inputs, *_ in batches for row in np.pad(inputs["token_ids"], ((0, 0), (0, 32)))[:, :32]
        ]
        seen.append(rows)
        return fit(self, batches, **options)

    monkeypatch.setattr(BertTask, "fit", record)
    at_steps(monkeypatch, crash, 5)
    with pytest.raises(CrashError):
        finetune(tmp_path / "run", flags, "--checkpoint_steps=1", "--epochs=2")
    assert finetune(tmp_path / "run", flags, "--checkpoint_steps=1", "--epochs=2").status == 0
    first, rest, second = seen
    assert rest == first[5 * 16 :]
    assert sorted(second) == sorted(first)
    assert second != first


@pytest.fixture(scope="module")
def crashed(flags: list[str], tmp_path_factory) -> Path:
    """A run that crashed after three steps."""
    folder = tmp_path_factory.mktemp("crashed") / "run"
    with pytest.MonkeyPatch.context() as patched:
        at_steps(patched, crash, 3)
        with pytest.raises(CrashError):
            finetune(folder, flags, "--checkpoint_steps=1")
    return folder


def test_never_resume_starts_anew_only_where_it_may(flags, crashed: Path, tmp_path: Path, monkeypatch):
    shutil.copytree(crashed, tmp_path / "run")
    fit_without_steps(monkeypatch, 0.7)
    assert "--overwrite" in finetune(tmp_path / "run", flags, "--resume=never").error
    done = finetune(tmp_path / "run", flags, "--overwrite", "--epochs=1")
    assert done.status == 0, done.stderr
    assert "going on" not in done.stdout


def test_other_flags_are_named(flags, crashed: Path, tmp_path: Path):
    shutil.copytree(crashed, tmp_path / "run")
    done = finetune(tmp_path / "run", flags, "--checkpoint_steps=1", "--eval_batch_size=8", "--epochs=1")
    named = f"--epochs=1 --eval_batch_size=8 --output={tmp_path}/run"
    assert f"the run goes on with other flags than before: {named}\n" in done.stderr


def test_labels_in_another_order_are_refused(flags, crashed: Path, tmp_path: Path):
    shutil.copytree(crashed, tmp_path / "run")
    done = finetune(tmp_path / "run", flags, "--labels=good,bad")
    assert "the outputs of the run stand for other labels: bad, good then, good, bad now" in done.error


@pytest.mark.parametrize("on_nan", ["stop", pytest.param("skip", marks=pytest.mark.slow)])
def test_a_nan_is_named_and_not_learned(on_nan: str, flags, tmp_path: Path, monkeypatch):
    """The loss of a step becomes nan by its targets' weights."""
    batches = LabelledTask.batches

    def spoiled(self: BertTask, rows: Any, *arguments: Any, shuffle: bool = False, **options: Any) -> Any:
        made = batches(self, rows, *arguments, shuffle=shuffle, **options)
        if not shuffle:
            return made
        count = made.cardinality()

        def spoil(index: Any, batch: Any) -> Any:
            inputs, targets, *_ = batch
            weight = tf.where(index == 5, np.float32(np.nan), np.float32(1.0))
            return inputs, targets, tf.fill(tf.shape(targets), weight)

        return made.enumerate().map(spoil).apply(tf.data.experimental.assert_cardinality(count))

    monkeypatch.setattr(LabelledTask, "batches", spoiled)
    done = finetune(tmp_path / "run", flags, f"--on_nan={on_nan}", "--checkpoint_steps=2", "--epochs=2")
    if on_nan == "stop":
        assert done.error.startswith("step 6 (epoch 1, batch 6): the loss is nan; no weight has changed by it")
        assert {path.stem for path in (tmp_path / "run/checkpoints").glob("*.index")} == {"step-2", "step-4"}
        return
    assert done.status == 0, done.stderr
    assert "step 6 (epoch 1, batch 6): the loss is nan; the step is left out (1 so far)\n" in done.stderr
    assert "step 14 (epoch 2, batch 6): the loss is nan; the step is left out (2 so far)\n" in done.stderr
    assert all(np.isfinite(float(value)) for row in log_of(tmp_path / "run") for value in row.values())
    tensors = load_file(tmp_path / "run" / "model" / "model.safetensors")
    assert all(np.isfinite(tensor).all() for tensor in tensors.values())
