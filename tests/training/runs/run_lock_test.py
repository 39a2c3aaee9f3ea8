"""One program in a folder at a time: another one is refused, one that is gone is not."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from keras_bert.errors import InputError
from keras_bert.training.runs import run_lock as module
from keras_bert.training.runs.run_lock import LOCK, refuse_if_running, run_lock


def write_lock(folder: Path, **changes: object) -> None:
    with run_lock(folder):
        holder = json.loads((folder / LOCK).read_text())
    (folder / LOCK).write_text(json.dumps({**holder, **changes}))


def test_it_is_held_and_given_back(tmp_path: Path):
    with run_lock(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["process"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_lives_is_named_and_one_that_is_gone_is_passed_over(tmp_path: Path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        started = module._started(other.pid)
        write_lock(tmp_path, process=other.pid, started=started)
        host = json.loads((tmp_path / LOCK).read_text())["host"]
        message = f"another program trains here, process {other.pid} on {host}; wait"
        with pytest.raises(InputError, match=message):
            refuse_if_running(tmp_path)
        with pytest.raises(InputError, match=message), run_lock(tmp_path):
            pass
        other.communicate(b"\n")
    with run_lock(tmp_path):
        pass


def test_another_process_with_the_number_of_the_one_that_is_gone_does_not_count(tmp_path: Path):
    write_lock(tmp_path, process=os.getppid(), started="long ago")
    with run_lock(tmp_path):
        pass


@pytest.mark.parametrize("is_alive", [True, False])
def test_on_another_machine_a_holder_that_touches_its_file_lives(tmp_path: Path, is_alive: bool, monkeypatch):
    monkeypatch.setattr(module, "WAIT_SECONDS", 1.0)
    write_lock(tmp_path, host="elsewhere", process=7)
    over = threading.Event()
    touch = threading.Thread(target=lambda: [os.utime(tmp_path / LOCK) for _ in range(40) if not over.wait(0.05)])
    if is_alive:
        touch.start()
        with pytest.raises(InputError, match="process 7 on elsewhere"), run_lock(tmp_path):
            pass
        over.set()
        touch.join()
    else:
        with run_lock(tmp_path):
            pass


HOLDER = '{"process": %s, "host": "h", "id": "i"}'


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[1]", "\xff", "[" * 10**5, *(HOLDER % process for process in ('"../7"', "-1", "true", "9" * 30))],
)
def test_a_damaged_file_holds_nothing(tmp_path: Path, text: str):
    (tmp_path / LOCK).write_bytes(text.encode("latin-1"))
    with run_lock(tmp_path):
        pass


def test_the_holder_touches_its_file(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.05)
    with run_lock(tmp_path):
        before = (tmp_path / LOCK).stat().st_mtime_ns
        time.sleep(0.5)
        assert (tmp_path / LOCK).stat().st_mtime_ns > before
