"""The folder of a run: new, over an earlier run, and after failures at every point."""

from pathlib import Path

import pytest

from keras_bert.errors import InputError
from keras_bert.scripts.run_folder import run_folder


def leave_run(folder: Path, words: str) -> None:
    (folder / "flags.txt").write_text(words)
    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text(words)
    (folder / "metrics.json").write_text(words)


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fail(folder: Path, error: BaseException, *names: str) -> None:
    """A run that leaves some files and then fails."""
    with run_folder(folder, overwrite=True) as temporary:
        for name in names:
            (temporary / name).mkdir() if name in ("model", "tensorboard") else (temporary / name).write_text("new")
        raise error


RUN = {"flags.txt", "model/config.json", "metrics.json"}


def test_a_new_run_stays(tmp_path: Path):
    with run_folder(tmp_path / "runs" / "a") as folder:
        leave_run(folder, "first")
    assert contents(tmp_path / "runs" / "a") == dict.fromkeys(RUN, "first")
    assert names_in(tmp_path / "runs") == ["a"]


@pytest.mark.parametrize("error", [InputError("full disk"), KeyboardInterrupt(), SystemExit(143)])
def test_a_run_that_fails_before_its_first_model_leaves_no_folder(tmp_path: Path, error: BaseException):
    with pytest.raises(type(error)):
        fail(tmp_path / "a", error, "flags.txt", "tensorboard")
    assert names_in(tmp_path) == []


def test_a_run_that_fails_later_keeps_its_best_model(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt):
        fail(tmp_path / "a", KeyboardInterrupt(), "model", "flags.txt")
    assert names_in(tmp_path / "a") == ["flags.txt", "model"]


def test_an_earlier_run_is_refused_without_overwrite(tmp_path: Path):
    leave_run(tmp_path, "earlier")
    with pytest.raises(InputError, match=r"already holds .* \(--overwrite\)"), run_folder(tmp_path):
        pass
    assert contents(tmp_path) == dict.fromkeys(RUN, "earlier")


def test_a_new_run_replaces_the_earlier_one_as_a_whole(tmp_path: Path):
    leave_run(tmp_path, "earlier")
    (tmp_path / "curves.png").write_text("earlier")
    with run_folder(tmp_path, overwrite=True) as folder:
        leave_run(folder, "new")
    assert contents(tmp_path) == dict.fromkeys(RUN, "new")


def test_the_earlier_run_comes_back_when_the_new_one_fails(tmp_path: Path):
    leave_run(tmp_path, "earlier")
    with pytest.raises(InputError):
        fail(tmp_path, InputError("full disk"), "flags.txt", "log.csv")
    assert contents(tmp_path) == dict.fromkeys(RUN, "earlier")


def test_other_files_in_the_folder_stay(tmp_path: Path):
    """--overwrite replaces what a run left; somebody's training rows are not that."""
    leave_run(tmp_path, "earlier")
    (tmp_path / "train.tsv").write_text("mine")
    with run_folder(tmp_path, overwrite=True) as folder:
        leave_run(folder, "new")
    assert contents(tmp_path) == {**dict.fromkeys(RUN, "new"), "train.tsv": "mine"}


def test_what_a_killed_run_put_aside_goes_with_the_next_good_one(tmp_path: Path):
    (tmp_path / ".earlier-killed").mkdir()
    leave_run(tmp_path / ".earlier-killed", "older")
    with pytest.raises(InputError):
        fail(tmp_path, InputError("full disk"))
    assert names_in(tmp_path) == [".earlier-killed"]
    with run_folder(tmp_path, overwrite=True) as folder:
        leave_run(folder, "new")
    assert contents(tmp_path) == dict.fromkeys(RUN, "new")


def test_a_file_is_no_folder(tmp_path: Path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(InputError, match="is a file"), run_folder(tmp_path / "run", overwrite=True):
        pass


def test_a_path_that_checkpoints_could_not_be_read_from(tmp_path: Path):
    with (
        pytest.raises(InputError, match=r"b\[1\]: TensorFlow takes \[ in a path for a pattern"),
        run_folder(tmp_path / "b[1]"),
    ):
        pytest.fail("the block must not run")
    assert names_in(tmp_path) == []
    with run_folder(tmp_path / "Größe 中文 (2)") as folder:
        leave_run(folder, "first")
