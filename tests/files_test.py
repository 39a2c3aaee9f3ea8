import errno
import os
import resource
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import save_file

from keras_bert.errors import InputError
from keras_bert.files import atomic_folder, check_target, file_beside, write_file
from tests.sources import ROOT


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def old(tmp_path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.json").write_text("old")
    return folder


def test_a_new_folder_appears_whole(tmp_path):
    target = tmp_path / "deep" / "run"
    with atomic_folder(target) as temporary:
        assert not target.exists()
        (temporary / "inner").mkdir()
        (temporary / "inner" / "a.txt").write_text("a")
    assert files(tmp_path) == {"deep/run/inner/a.txt": "a"}


def test_permissions_are_those_of_an_ordinary_folder(tmp_path):
    (tmp_path / "ordinary").mkdir()
    with atomic_folder(tmp_path / "run"):
        pass
    assert (tmp_path / "run").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_an_empty_folder_may_be_filled(tmp_path):
    (tmp_path / "run").mkdir()
    with atomic_folder(tmp_path / "run") as temporary:
        (temporary / "a").write_text("a")
    assert files(tmp_path) == {"run/a": "a"}


def test_a_folder_that_holds_something_is_not_touched(old):
    with (
        pytest.raises(InputError, match=r"already holds config\.json; choose another .*--overwrite"),
        atomic_folder(old),
    ):
        pytest.fail("the block must not run")
    assert files(old.parent) == {"run/config.json": "old"}


def test_overwrite_replaces_the_whole_folder(old):
    with atomic_folder(old, overwrite=True) as temporary:
        (temporary / "other.json").write_text("new")
        assert files(old) == {"config.json": "old"}
    assert files(old.parent) == {"run/other.json": "new"}


def test_a_symbolic_link_is_followed_not_replaced(old):
    link = old.parent / "link"
    link.symlink_to(old)
    with atomic_folder(link, overwrite=True) as temporary:
        (temporary / "a").write_text("new")
    assert link.is_symlink()
    assert files(old) == {"a": "new"}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("mine"), OSError(errno.EIO, "I/O error")])
def test_after_a_failure_the_old_folder_survives_and_nothing_else(old, error):
    def fail():
        with atomic_folder(old, overwrite=True) as temporary:
            (temporary / "config.json").write_text("half")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert files(old.parent) == {"run/config.json": "old"}
    assert [path.name for path in old.parent.iterdir()] == ["run"]


def test_a_full_disk_is_an_input_error(old):
    with (
        pytest.raises(InputError, match="not written: no space left on the device; what was there"),
        atomic_folder(old, overwrite=True),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert [path.name for path in old.parent.iterdir()] == ["run"]


def test_a_failing_rename_puts_the_old_folder_back(old, monkeypatch):
    rename = Path.rename

    def fail_for_new(self, target):
        if self.name.endswith(".partial"):
            raise OSError(errno.EIO, "I/O error")
        return rename(self, target)

    monkeypatch.setattr("keras_bert.files._exchange", lambda *names: False)
    monkeypatch.setattr(Path, "rename", fail_for_new)
    with pytest.raises(OSError, match="I/O error"), atomic_folder(old, overwrite=True) as temporary:
        (temporary / "a").write_text("new")
    assert files(old.parent) == {"run/config.json": "old"}
    assert [path.name for path in old.parent.iterdir()] == ["run"]


REPLACING = """
import sys
from keras_bert.files import atomic_folder
for number in range(10**9):
    with atomic_folder(sys.argv[1], overwrite=True) as folder:
        for name in "abc":
            (folder / name).write_text(str(number))
"""


def test_whenever_it_is_killed_there_is_a_whole_folder(tmp_path):
    target = tmp_path / "run"
    for seconds in (0.3, 0.1, 0.05):
        child = subprocess.Popen([sys.executable, "-c", REPLACING, target], cwd=ROOT)
        while not target.exists():
            time.sleep(0.01)
        end = time.monotonic() + seconds
        looks = 0
        while time.monotonic() < end:
            assert target.exists()
            looks += 1
        child.kill()
        child.wait()
        assert looks > 10
        assert files(target).keys() == {"a", "b", "c"}
        assert len(set(files(target).values())) == 1


def test_where_names_cannot_be_exchanged_the_old_folder_goes_aside_first(old, monkeypatch):
    monkeypatch.setattr("keras_bert.files._exchange", lambda *names: False)
    with atomic_folder(old, overwrite=True) as temporary:
        (temporary / "new").write_text("new")
    assert files(old.parent) == {"run/new": "new"}


@pytest.mark.parametrize("name", ["model", "b[1]*"])
def test_a_folder_that_a_killed_process_moved_aside_is_put_back(tmp_path, name):
    """Killed between its two renames: the old folder is `.NAME.0123.old`, the new one is not yet there."""
    (tmp_path / f".{name}.0123.old").mkdir()
    (tmp_path / f".{name}.0123.old" / "file").write_text("old")
    with pytest.raises(InputError, match="already holds file"), atomic_folder(tmp_path / name):
        pass
    assert (tmp_path / name / "file").read_text() == "old"
    with atomic_folder(tmp_path / name, overwrite=True) as temporary:
        (temporary / "file").write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name / "file").read_text() == "new"


def test_safetensors_own_error_is_understood(old):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with (
            pytest.raises(InputError, match="larger than allowed"),
            atomic_folder(old, overwrite=True) as temporary,
        ):
            save_file({"a": np.zeros(100_000, np.float32)}, temporary / "model.safetensors")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(old.parent) == {"run/config.json": "old"}


def test_tensorflows_own_error_is_understood(old):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with (
            pytest.raises(InputError, match="larger than allowed"),
            atomic_folder(old, overwrite=True) as temporary,
            tf.io.gfile.GFile(str(temporary / "saved_model.pb"), "wb") as file,
        ):
            file.write(bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(old.parent) == {"run/config.json": "old"}


def test_numpys_own_error_is_understood(old):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with (
            pytest.raises(InputError, match=r"run: not written, is the disk full\? \(100000 requested and \d+ written"),
            atomic_folder(old, overwrite=True) as temporary,
        ):
            np.save(temporary / "vectors.npy", np.zeros(100_000, np.float32))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(old.parent) == {"run/config.json": "old"}


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    write_file(tmp_path / "log.csv", "Größe\r\n")
    assert (tmp_path / "log.csv").read_bytes() == "Größe\r\n".encode()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(InputError, match=r"log\.csv: not written: the file is larger than allowed here; what was"):
            write_file(tmp_path / "log.csv", bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]
    assert (tmp_path / "log.csv").read_bytes() == "Größe\r\n".encode()
    write_file(tmp_path / "log.csv", b"new")
    assert files(tmp_path) == {"log.csv": "new"}
    with pytest.raises(InputError, match=r"none/log\.csv: not written: No such file or directory"):
        write_file(tmp_path / "none" / "log.csv", "")


@pytest.mark.parametrize("what", ["link", "file"])
def test_nobody_can_put_a_link_where_a_file_will_be_written(tmp_path, monkeypatch, what):
    """The name cannot be foreseen; were it, a file or a link that is there is not opened."""
    token = secrets.token_hex
    monkeypatch.setattr(secrets, "token_hex", lambda size: "0" * 2 * size)
    victim = tmp_path / "victim"
    victim.write_text("mine")
    beside = tmp_path / f".{secrets.token_hex(8)}.partial"
    if what == "link":
        beside.symlink_to(victim)
    else:
        beside.write_text("mine")
    with pytest.raises(InputError, match=r"log\.csv: not written: File exists"):
        write_file(tmp_path / "log.csv", "secret")
    assert beside.read_text() == victim.read_text() == "mine"
    assert not (tmp_path / "log.csv").exists()
    monkeypatch.setattr(secrets, "token_hex", token)
    names = set()
    for _ in range(3):
        with file_beside(tmp_path / "log.csv") as file:
            file.write(b"x")
            names.add(frozenset(tmp_path.glob(".*.partial")))
    assert len(names) == 3


def test_a_link_is_replaced_not_written_through(tmp_path):
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "log.csv").symlink_to(tmp_path / "victim")
    write_file(tmp_path / "log.csv", "new")
    assert files(tmp_path) == {"victim": "mine", "log.csv": "new"}
    assert not (tmp_path / "log.csv").is_symlink()


def test_a_file_of_the_longest_name_can_be_written(tmp_path):
    write_file(tmp_path / ("名" * 85), "new")
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / ("名" * 85)).stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize("name", ["b[1]", "b*", "b?", "b\\1", "b[1]/inner"])
def test_a_path_that_tensorflow_takes_for_a_pattern(tmp_path, monkeypatch, name):
    """Wherever in the path it is, and however short what was typed."""
    with pytest.raises(InputError, match="for a pattern and could not read back what it writes there; choose a path"):
        check_target(tmp_path / name, tensorflow=True)
    (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / name)
    with pytest.raises(InputError, match="for a pattern"):
        check_target("run", tensorflow=True)
    assert check_target("run") == tmp_path / name / "run"


def test_blanks_and_letters_of_all_scripts_are_no_pattern(tmp_path):
    for name in ("a b", "Größe", "中文", "b{1}", "b]", "$HOME", "a'b\"c", "😀"):
        assert check_target(tmp_path / name, tensorflow=True) == tmp_path / name


def test_a_really_full_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if mount is None or subprocess.run([mount, *options], capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        with atomic_folder(disk / "run") as temporary:
            (temporary / "a").write_text("old")
        with (
            pytest.raises(InputError, match="no space left on the device"),
            atomic_folder(disk / "run", overwrite=True) as temporary,
        ):
            save_file({"a": np.zeros(100_000, np.float32)}, temporary / "model.safetensors")
        assert files(disk) == {"run/a": "old"}
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_check_target(tmp_path, monkeypatch, old):
    assert check_target(tmp_path / "none") == (tmp_path / "none").resolve()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        check_target(tmp_path / "file")
    monkeypatch.chdir(old)
    for folder in (".", "..", old):
        with pytest.raises(InputError, match="current or the home folder"):
            check_target(folder, overwrite=True)
    monkeypatch.chdir("/")
    monkeypatch.setenv("HOME", str(old / "user"))
    with pytest.raises(InputError, match="current or the home folder"):
        check_target(old, overwrite=True)
