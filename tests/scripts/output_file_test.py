"""Files that appear whole or not at all."""

import errno
import os
import stat
import sys
from pathlib import Path
from unittest import mock

import pytest

from keras_bert.errors import InputError
from keras_bert.scripts.output_file import check_output_file, output_file


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_file_appears_at_the_end(tmp_path: Path):
    path = tmp_path / "answers.jsonl"
    with output_file(str(path)) as file:
        file.write("Élan\n")
        assert not path.exists()
    assert path.read_bytes() == "Élan\n".encode()
    assert names_in(tmp_path) == ["answers.jsonl"]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


def test_an_error_leaves_the_earlier_file(tmp_path: Path):
    path = tmp_path / "answers.jsonl"
    path.write_text("earlier")
    with pytest.raises(UnicodeEncodeError), output_file(str(path)) as file:
        file.write("half\udc80")
    assert path.read_text() == "earlier"
    assert names_in(tmp_path) == ["answers.jsonl"]


def test_a_full_disk_is_one_line(tmp_path: Path):
    path = tmp_path / "answers.jsonl"
    with pytest.raises(InputError, match=r"answers\.jsonl: not written: No space left"), output_file(str(path)):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert names_in(tmp_path) == []


def test_a_link_stays_a_link(tmp_path: Path):
    (tmp_path / "real").write_text("earlier")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with output_file(str(tmp_path / "link")) as file:
        file.write("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_what_is_no_plain_file_is_written_directly(tmp_path: Path):
    """Replacing /dev/null by a file would break the machine of a user who is root."""
    with output_file(os.devnull) as file:
        file.write("nothing")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_a_dash_is_standard_output():
    with output_file("-") as file:
        assert file is sys.stdout
    check_output_file("-")
    check_output_file(None)


def test_places_that_cannot_be_written_are_told_before_the_work(tmp_path: Path):
    with pytest.raises(InputError, match="is a folder"):
        check_output_file(str(tmp_path))
    with pytest.raises(InputError, match=r"none/answers\.jsonl: there is no folder"):
        check_output_file(str(tmp_path / "none" / "answers.jsonl"))
    check_output_file(str(tmp_path / "answers.jsonl"))
    with mock.patch("os.access", return_value=False), pytest.raises(InputError, match="permission denied"):
        check_output_file(str(tmp_path / "answers.jsonl"))
