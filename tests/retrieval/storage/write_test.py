"""One program at a time changes an index."""

import fcntl
import os
import threading
import time
from pathlib import Path

import pytest

from keras_bert.errors import InputError
from keras_bert.retrieval.storage.write import alone


def test_a_second_program_waits_and_then_has_the_new_folder(tmp_path: Path):
    folder, order = tmp_path / "index", []
    folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)

    def change() -> None:
        with alone(folder):
            order.append((folder / "new").exists())

    thread = threading.Thread(target=change)
    thread.start()
    time.sleep(0.2)
    assert order == []
    folder.rename(tmp_path / "old")
    folder.mkdir()
    (folder / "new").touch()
    os.close(descriptor)
    thread.join(10)
    assert order == [True]


def test_an_index_that_is_not_there_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    for name in ("none", "file"):
        with pytest.raises(InputError, match=f"{name}: no index of documents there"), alone(tmp_path / name):
            pass
