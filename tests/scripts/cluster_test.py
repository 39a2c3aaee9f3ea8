"""Two workers of which one is killed, or told to leave: the other does not hang, and the pair goes on."""

import signal
import time
from pathlib import Path

import pytest

from tests.scripts.programs import Worker, run_cluster, start_cluster

pytestmark = pytest.mark.slow


def command_of(encoder: Path, tables: Path, output: Path) -> list[str]:
    rows = [f"--train={tables}/train.tsv", f"--dev={tables}/dev.tsv", "--text=sentence", f"--preset={encoder}"]
    settings = ["--batch_size=16", "--epochs=40", "--max_length=24", "--noplots", "--checkpoint_steps=4"]
    return ["-m", "keras_bert.scripts.finetune", *rows, *settings, f"--output={output}"]


def wait_for_checkpoint(output: Path, processes: list[Worker], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not list((output / "checkpoints").glob("*.index")):
        assert time.monotonic() < end, "no checkpoint in time"
        assert all(process.poll() is None for process in processes), processes[0].end().stderr
        time.sleep(0.2)


# The last of the workers writes more than a pipe holds before it is there for the first.
MEET = """
import json, os, pathlib, sys, time
index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
print("x" * 1_000_000 * index, file=sys.stderr)
pathlib.Path(sys.argv[1], str(index)).touch()
while len(list(pathlib.Path(sys.argv[1]).iterdir())) < 2:
    time.sleep(0.01)
"""


def test_a_worker_that_says_much_does_not_hold_up_the_others(tmp_path: Path):
    workers = run_cluster(2, "-c", MEET, str(tmp_path))
    assert [(worker.returncode, len(worker.stderr)) for worker in workers] == [(0, 1), (0, 1_000_001)]


def test_one_of_two_workers_killed(encoder: Path, tables: Path, tmp_path: Path):
    command = command_of(encoder, tables, tmp_path / "run")
    processes = start_cluster(2, *command)
    wait_for_checkpoint(tmp_path / "run", processes)
    processes[1].kill()
    began = time.monotonic()
    left = processes[0].end(timeout=180)
    assert time.monotonic() - began < 150
    assert left.returncode not in (0, None)
    assert "another worker has gone" in left.stderr, left.stderr[-2000:]
    processes[1].end()
    done = run_cluster(2, *command, "--epochs=6")
    assert [worker.returncode for worker in done] == [0, 0], done[0].stderr[-2000:] + done[1].stderr[-2000:]
    assert all("going on after step" in worker.stdout for worker in done)


def test_one_of_two_workers_told_to_leave(encoder: Path, tables: Path, tmp_path: Path):
    """Both save and stop after the same step. They are named by flags here, by `TF_CONFIG` elsewhere."""
    processes = start_cluster(2, *command_of(encoder, tables, tmp_path / "run"), by_flags=True)
    wait_for_checkpoint(tmp_path / "run", processes)
    processes[1].send_signal(signal.SIGTERM)
    began = time.monotonic()
    done = [process.end(timeout=120) for process in processes]
    assert time.monotonic() - began < 60
    assert [worker.returncode for worker in done] == [143, 143], done[0].stderr[-2000:] + done[1].stderr[-2000:]
    steps = {worker.stderr.partition("stopped by SIGTERM after step ")[2].partition(";")[0] for worker in done}
    assert len(steps) == 1
    newest = max(int(path.stem[5:]) for path in (tmp_path / "run/checkpoints").glob("*.index"))
    assert steps == {f"{newest:,}"}
    lines = (tmp_path / "run" / "flags.txt").read_text().splitlines()
    assert any(line.startswith("--workers=localhost:") for line in lines)
    assert not any(line.startswith("--worker=") for line in lines)


def test_workers_with_other_flags_or_other_rows_are_refused_with_what_differs(
    encoder: Path, tables: Path, tmp_path: Path
):
    """All of them say so, at the start, in place of an error of an operation that waits for the others."""
    rows = (tables / "train.tsv").read_text().splitlines(keepends=True)
    (tmp_path / "train.tsv").write_text("".join([*rows[:-1], rows[1]]))
    command = command_of(encoder, tables, tmp_path / "run")
    for more, words in (
        (["--batch_size=8"], "the workers differ in --batch_size;"),
        ([f"--train={tmp_path}/train.tsv"], "the workers differ in the rows of --train;"),
    ):
        done = [worker.end() for worker in start_cluster(2, *command, last=more)]
        assert [worker.returncode for worker in done] == [2, 2], done[0].stderr[-2000:] + done[1].stderr[-2000:]
        assert all(words in worker.stderr for worker in done)
    assert not (tmp_path / "run").exists()
