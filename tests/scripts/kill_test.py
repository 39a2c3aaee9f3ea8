"""kill -9 at ten random moments, and what a run does when its disk is full or its checkpoints are damaged.

The runs are processes of their own, forked off one that has imported everything but has not yet begun to compute.
"""

import contextlib
import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.forked_process import ONE_THREAD
from tests.scripts.pretrain_test import write_corpus
from tests.scripts.programs import CONFIG, ROOT, VOCABULARY

# Reads lines of JSON: a program, its flags, and the step to be killed in; answers each with the exit status.
FORKER = """
import importlib, json, os, random, signal, sys, threading, time
import keras, sklearn.metrics, tensorflow, tensorflow_text
import keras_bert.evaluation, keras_bert.tasks, keras_bert.training
from keras_bert.training import RunState

assert len(os.listdir("/proc/self/task")) == 1, "a process with threads cannot be forked"
for line in sys.stdin:
    program, flags, victim, number, log = json.loads(line)
    child = os.fork()
    if not child:
        for stream in (1, 2):
            os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
        begin = RunState.on_train_batch_begin

        def on_train_batch_begin(self, batch, logs=None):
            begin(self, batch, logs)
            if self.place["steps"] == victim:
                # Somewhere in the step, or in the checkpoint after it, or in the step after that.
                wait = random.Random(victim).uniform(0, 0.03) if number == 9 else 0
                print("told at", time.monotonic(), flush=True)
                threading.Thread(target=lambda: (time.sleep(wait), os.kill(os.getpid(), number))).start()

        RunState.on_train_batch_begin = on_train_batch_begin
        sys.argv = [f"keras-bert {program}", *flags]
        importlib.import_module(f"keras_bert.scripts.{program}").run()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Forker:
    """Starts programs in a moment."""

    def __init__(self, process: subprocess.Popen, folder: Path) -> None:
        self.process = process
        self.log = folder / "log.txt"

    def run(self, program: str, flags: list[str], victim: int = -1, number: int = signal.SIGKILL) -> int:
        """Runs a program, which is sent a signal in a step; returns its exit status."""
        self.process.stdin.write(json.dumps([program, flags, victim, int(number), str(self.log)]) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    @property
    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


@pytest.fixture(scope="module")
def forker(tmp_path_factory) -> Iterator[Forker]:
    environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", FORKER]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=environment, **pipes) as process:
        yield Forker(process, tmp_path_factory.mktemp("forker"))
        process.stdin.close()


@pytest.fixture(scope="module")
def programs(encoder: Path, tables: Path, tmp_path_factory) -> dict[str, list[str]]:
    """Flags of a run of 48 steps for both programs, with a checkpoint after every third."""
    folder = tmp_path_factory.mktemp("sources")
    write_corpus(folder / "text.txt", documents=40)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    small = {"model_type": "bert", **CONFIG.to_dict(), "num_hidden_layers": 1}
    (folder / "config.json").write_text(json.dumps(small))
    shared = ["--checkpoint_steps=3", "--keep_checkpoints=2", "--noplots", "--learning_rate=1e-2", "--batch_size=8"]
    rows = [f"--train={tables}/train.tsv", f"--dev={tables}/dev.tsv", "--text=sentence", f"--preset={encoder}"]
    corpus = [f"--text={folder}/text.txt", f"--vocabulary={folder}/vocab.txt", f"--config={folder}/config.json"]
    steps = ["--steps=48", "--phase=24:0.5,32:0.5", "--held_out=0.2", "--log_steps=6", "--evaluate_steps=12"]
    return {
        "finetune": [*rows, *shared, "--epochs=3", "--max_length=24"],
        "pretrain": [*corpus, *shared, *steps],
    }


def assert_same(folder: Path, whole: Path) -> None:
    one, other = (load_file(path / "model" / "model.safetensors") for path in (whole, folder))
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        np.testing.assert_array_equal(other[name], tensor, err_msg=name)


def log_of(folder: Path) -> list[list[str]]:
    """The log without what depends on the clock."""
    with (folder / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    timed = ("seconds", "tokens_per_second", "utilisation")
    return [[value.removesuffix(".0") for name, value in row.items() if name not in timed] for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("program", ["finetune", "pretrain"])
def test_killed_ten_times_it_ends_as_if_left_alone(program: str, forker: Forker, programs, tmp_path: Path):
    flags = programs[program]
    assert forker.run(program, [*flags, f"--output={tmp_path}/whole"]) == 0, forker.said
    victims = sorted(random.Random(0).sample(range(4, 48), 10))
    for victim in victims:
        assert forker.run(program, [*flags, f"--output={tmp_path}/run"], victim) == -signal.SIGKILL, forker.said
    assert forker.run(program, [*flags, f"--output={tmp_path}/run"]) == 0, forker.said
    assert forker.said.count("going on after step") >= 10
    assert_same(tmp_path / "run", tmp_path / "whole")
    if program == "finetune":
        assert log_of(tmp_path / "run") == log_of(tmp_path / "whole")
        results = [json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("run", "whole")]
        assert {**results[0], "seconds": 0} == {**results[1], "seconds": 0}


@pytest.mark.slow
def test_sigterm_leaves_with_a_checkpoint_in_time(forker: Forker, programs, tmp_path: Path):
    flags = [*programs["finetune"], f"--output={tmp_path}/run", "--checkpoint_steps=1000"]
    assert forker.run("finetune", flags, 20, signal.SIGTERM) == 143, forker.said
    # The clock is that of all processes of the machine.
    assert time.monotonic() - float(forker.said.rpartition("told at ")[2].split()[0]) < 30
    assert [path.stem for path in (tmp_path / "run/checkpoints").glob("*.index")] == ["step-21"]


@pytest.mark.slow
def test_a_truncated_checkpoint_is_passed_over(forker: Forker, programs, tmp_path: Path):
    flags = programs["finetune"]
    assert forker.run("finetune", [*flags, f"--output={tmp_path}/whole"]) == 0, forker.said
    assert forker.run("finetune", [*flags, f"--output={tmp_path}/run"], 20, signal.SIGTERM) == 143
    newest = max((tmp_path / "run/checkpoints").glob("*.data-*"), key=lambda path: int(path.name[5:].split(".")[0]))
    newest.write_bytes(newest.read_bytes()[:-300])
    assert forker.run("finetune", [*flags, f"--output={tmp_path}/run"]) == 0, forker.said
    assert f"{newest.name.split('.')[0]} is damaged, trying the one before" in forker.said
    assert_same(tmp_path / "run", tmp_path / "whole")


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Mounts a disk of so many bytes; skips where that is not allowed."""
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no small disk to fill: mounting a tmpfs is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=False)


@pytest.mark.slow
def test_a_full_disk_loses_nothing(forker: Forker, programs, tmp_path: Path):
    flags = programs["finetune"]
    with small_disk(tmp_path / "disk", "8m") as disk:
        flags = [*flags, f"--output={disk}/run"]
        assert forker.run("finetune", flags, 10, signal.SIGTERM) == 143, forker.said
        kept = {path.name: path.read_bytes() for path in (disk / "run/checkpoints").iterdir()}
        (disk / "ballast").write_bytes(bytes(shutil.disk_usage(disk).free - 50_000))
        assert forker.run("finetune", flags) == 2, forker.said
        assert "make room, then resume" in forker.said.splitlines()[-1]
        assert {path.name: path.read_bytes() for path in (disk / "run/checkpoints").iterdir()} == kept
        (disk / "ballast").unlink()
        assert forker.run("finetune", flags) == 0, forker.said


@pytest.mark.slow
def test_a_folder_that_became_read_only_loses_nothing(forker: Forker, programs, tmp_path: Path):
    """As a remount leaves a disk with errors; the owner's rights do not help there."""
    flags = programs["finetune"]
    with small_disk(tmp_path / "disk", "64m") as disk:
        flags = [*flags, f"--output={disk}/run"]
        assert forker.run("finetune", flags, 10, signal.SIGTERM) == 143, forker.said
        kept = {path.name: path.read_bytes() for path in (disk / "run/checkpoints").iterdir()}
        remount = ["mount", "-o", "remount,{}", str(disk)]
        subprocess.run([part.format("ro") for part in remount], check=True)
        assert forker.run("finetune", flags) == 2, forker.said
        assert "read-only" in forker.said.splitlines()[-1].lower()
        subprocess.run([part.format("rw") for part in remount], check=True)
        assert {path.name: path.read_bytes() for path in (disk / "run/checkpoints").iterdir()} == kept
        assert forker.run("finetune", flags) == 0, forker.said
