"""A run as a process: its scores, its last words, its end."""

import subprocess
import threading
import time
from pathlib import Path

from keras_bert.tuning.run_process import RunProcess
from tests.tuning.runs import command


def test_scores_and_rows_of_a_run(tmp_path: Path):
    seen: list[int] = []

    def look(rows: list) -> bool:
        seen.append(len(rows))
        return False

    run = RunProcess(command({"rate": 0.6}, tmp_path / "a", seconds=0.6), tmp_path / "a")
    assert run.wait(look) == {"seconds": 1.0, "dev": {"accuracy": 0.6, "loss": 0.4}}
    assert [row["val_accuracy"] for row in run.rows()] == [0.6 * (epoch + 1) / 3 for epoch in range(3)]
    assert seen == sorted(seen)
    assert max(seen) >= 2
    again = RunProcess(["no-such-program"], tmp_path / "a")
    assert again.wait() == run.wait()  # it is at its end: nothing is run
    assert (tmp_path / "a" / "starts").read_text() == "x"


def test_a_run_that_fails_says_why(tmp_path: Path):
    for mode, status, words in (("refuse", 2, "no such file"), ("fail", 1, "out of memory")):
        run = RunProcess(command({"rate": 0.9}, tmp_path / mode, mode), tmp_path / mode)
        assert run.wait() is None
        assert run.status == status
        assert words in run.last_words


def test_enough_ends_it(tmp_path: Path):
    run = RunProcess(command({"rate": 0.9}, tmp_path / "a", "hang"), tmp_path / "a")
    assert run.wait(lambda rows: len(rows) == 3) is None
    assert run.status is None


def test_stop_from_another_thread(tmp_path: Path):
    run = RunProcess(command({"rate": 0.9}, tmp_path / "a", "hang"), tmp_path / "a")
    threading.Timer(3, run.stop).start()
    began = time.monotonic()
    assert run.wait() is None
    assert time.monotonic() - began < 60


def test_a_run_of_a_process_that_was_killed_is_waited_for(tmp_path: Path):
    folder = tmp_path / "a"
    orphan = subprocess.Popen(command({"rate": 0.7}, folder, "lock", seconds=1.0))
    while not (folder / "status.json").exists():
        time.sleep(0.05)
    run = RunProcess(command({"rate": 0.7}, folder), folder)
    assert run.wait()["dev"]["accuracy"] == 0.7
    assert (folder / "starts").read_text() == "x"
    assert orphan.wait() == 0
