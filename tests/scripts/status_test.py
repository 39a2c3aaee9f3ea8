"""`keras-bert status`: of a run that runs, was stopped, is finished, or whose process is gone."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.scripts.programs import imported, run_program


def write(folder: Path, **changes: Any) -> Path:
    status = {
        "state": "running",
        "step": 1200,
        "steps": 4000,
        "epoch": 2,
        "seconds": 400.4,
        "seconds_left": 933.0,
        "steps_per_second": 3.0,
        "metrics": {"loss": 0.25, "val_accuracy": 0.9},
        "process": os.getpid(),
        "host": socket.gethostname(),
        "time": time.time() - 3,
    }
    (folder / "status.json").write_text(json.dumps({**status, **changes}))
    return folder


def test_a_run_that_runs(tmp_path: Path):
    done = run_program("status", str(write(tmp_path)))
    assert done.status == 0, done.stderr
    state, step, spent, left, written, *metrics = done.stdout.splitlines()
    assert state == "state:   running"
    assert step == "step:    1,200 of 4,000 (30%), epoch 2"
    assert spent == "time:    6m40s, 3 steps/s"
    assert left == "left:    15m33s"
    assert written.endswith(f"s ago by process {os.getpid()} on {socket.gethostname()}")
    assert metrics == ["loss         0.25", "val_accuracy 0.9"]


@pytest.mark.parametrize(("state", "place"), [("stopped", ", epoch 2"), ("finished", "")])
def test_a_run_that_is_over(state: str, place: str, tmp_path: Path):
    """A finished one stands before an epoch that will not be."""
    lines = run_program("status", f"--run={write(tmp_path, state=state, steps=None)}").stdout.splitlines()
    assert lines[:2] == [f"state:   {state}", f"step:    1,200{place}"]
    assert not any(line.startswith("left:") for line in lines)


def test_a_run_whose_process_is_gone(tmp_path: Path):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert "lost: its process is gone" in run_program("status", str(write(tmp_path, process=process.pid))).stdout


def test_a_run_elsewhere_is_lost_after_a_silence(tmp_path: Path):
    elsewhere = {"host": "elsewhere", "process": 1}
    (found,) = run_program("status", str(write(tmp_path, **elsewhere)), "--json").json_lines
    assert (found["state"], found["step"]) == ("running", 1200)
    (found,) = run_program("status", str(write(tmp_path, **elsewhere, time=time.time() - 600)), "--json").json_lines
    assert found["state"] == "lost"
    assert found["silent"] == pytest.approx(600, abs=60)


def test_what_is_no_run_is_one_line(tmp_path: Path):
    assert "no status.json; expected the folder of a run of finetune" in run_program("status", str(tmp_path)).error
    (tmp_path / "status.json").write_text("{")
    assert "status.json: not a JSON file" in run_program("status", str(tmp_path)).error
    assert "which run?" in run_program("status").error


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "under 'state'"),
        ("[]", "no JSON object"),
        ("null", "no JSON object"),
        ('{"state": "running", "step": "7"}', "under 'step'"),
        ('{"state": "running", "step": 1' + 400 * "0" + "}", "under 'step'"),
    ],
)
def test_a_damaged_status_is_one_line(tmp_path: Path, text: str, message: str):
    (tmp_path / "status.json").write_text(text)
    assert run_program("status", str(tmp_path)).error.endswith(f"({message})" if "JSON" in message else f"{message})")


@pytest.mark.parametrize("number", ["NaN", "1e999", "1" + 400 * "0"])
def test_numbers_without_end_are_none(tmp_path: Path, number: str):
    text = write(tmp_path).joinpath("status.json").read_text()
    for name in ("seconds", "steps_per_second", "seconds_left", "time", "process"):
        found = json.loads(text)
        (tmp_path / "status.json").write_text(
            json.dumps({**found, name: 0}).replace(f'"{name}": 0', f'"{name}": {number}')
        )
        assert f"under '{name}'" in run_program("status", str(tmp_path)).error
    (tmp_path / "status.json").write_text(text.replace('"metrics": {', f'"metrics": {{"odd": {number}, ', 1))
    assert "odd          nan\n" in run_program("status", str(tmp_path)).stdout


def test_times_are_spelt():
    with imported("status") as program:
        assert [program.spelt(value) for value in (7380.0, 200.0, 12.3, 0.0)] == ["2h03m", "3m20s", "12s", "0s"]
