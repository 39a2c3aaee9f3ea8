"""The folder of a run: new, over an earlier run, and after failures at every point."""

import json
import shutil
from pathlib import Path

import pytest

from keras_bert.errors import InputError
from keras_bert.training.runs.run_folder import goes_on, is_unfinished, new_model_is_there, run_folder


def leave_run(folder: Path, words: str) -> None:
    (folder / "flags.txt").write_text(words)
    (folder / "log.csv").write_text(words)
    (folder / "model").mkdir(exist_ok=True)
    (folder / "model" / "config.json").write_text(words)
    new_model_is_there(folder)
    (folder / "metrics.json").write_text(words)
    (folder / "status.json").write_text(json.dumps({"state": "finished"}))


def contents(folder: Path) -> dict[str, str]:
    """What a run has left: no name begins with a dot."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def run_of(words: str) -> dict[str, str]:
    names = ("flags.txt", "log.csv", "model/config.json", "metrics.json")
    return {**dict.fromkeys(names, words), "status.json": '{"state": "finished"}'}


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fail(folder: Path, error: BaseException, *names: str, overwrite: bool = True) -> None:
    """A run that leaves some files and then fails."""
    with run_folder(folder, overwrite=overwrite) as temporary:
        for name in names:
            path = temporary / name
            path.parent.mkdir(exist_ok=True)
            path.mkdir() if name in ("model", "tensorboard") else path.write_text("new")
        raise error


def test_a_new_run_stays(tmp_path: Path):
    with run_folder(tmp_path / "runs" / "a") as folder:
        leave_run(folder, "first")
    assert contents(tmp_path / "runs" / "a") == run_of("first")
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
    assert contents(tmp_path) == run_of("earlier")


def test_a_new_run_replaces_the_earlier_one_as_a_whole(tmp_path: Path):
    leave_run(tmp_path, "earlier")
    (tmp_path / "curves.png").write_text("earlier")
    with run_folder(tmp_path, overwrite=True) as folder:
        leave_run(folder, "new")
    assert contents(tmp_path) == run_of("new")


def test_the_earlier_run_comes_back_when_the_new_one_fails(tmp_path: Path):
    leave_run(tmp_path, "earlier")
    with pytest.raises(InputError):
        fail(tmp_path, InputError("full disk"), "flags.txt", "log.csv")
    assert contents(tmp_path) == run_of("earlier")


def test_the_earlier_model_stays_until_there_is_a_new_one(tmp_path: Path):
    """Also when the new run has a checkpoint to go on from."""
    leave_run(tmp_path, "earlier")
    with pytest.raises(KeyboardInterrupt):
        fail(tmp_path, KeyboardInterrupt(), "flags.txt", "checkpoints/step-3.index", "status.json")
    assert (tmp_path / "model/config.json").read_text() == (tmp_path / "metrics.json").read_text() == "earlier"
    assert (tmp_path / "flags.txt").read_text() == "new"
    with run_folder(tmp_path) as folder:
        assert (folder / "checkpoints").is_dir()
        leave_run(folder, "newer")
    assert {**run_of("newer"), "checkpoints/step-3.index": "new"} == contents(tmp_path)


def test_other_files_in_the_folder_stay(tmp_path: Path):
    """--overwrite replaces what a run left; somebody's training rows are not that."""
    leave_run(tmp_path, "earlier")
    (tmp_path / "train.tsv").write_text("mine")
    with run_folder(tmp_path, overwrite=True) as folder:
        leave_run(folder, "new")
    assert contents(tmp_path) == {**run_of("new"), "train.tsv": "mine"}


@pytest.mark.parametrize("times", [1, 2])
def test_after_a_run_was_killed_in_its_beginning_the_next_puts_the_earlier_one_back(tmp_path: Path, times: int):
    """A copy of the folder, made while the run is in it, is what a kill leaves."""
    folder = tmp_path / "0"
    folder.mkdir()
    leave_run(folder, "earlier")
    for kill in range(times):
        left = tmp_path / f"{kill + 1}"
        with run_folder(folder, overwrite=True) as inside:
            (inside / "log.csv").write_text("of a run that is killed")
            shutil.copytree(inside, left)
        folder = left
        assert contents(folder) != run_of("earlier")
    with pytest.raises(InputError):
        fail(folder, InputError("full disk"))
    assert contents(folder) == run_of("earlier")


def test_what_a_killed_run_put_aside_comes_back_and_goes_with_the_next_model(tmp_path: Path):
    (tmp_path / ".earlier-killed").mkdir()
    (tmp_path / ".earlier-killed" / "flags.txt").write_text("older")
    with pytest.raises(InputError):
        fail(tmp_path, InputError("full disk"))
    assert names_in(tmp_path) == ["flags.txt"]
    with run_folder(tmp_path, overwrite=True) as folder:
        leave_run(folder, "new")
    assert contents(tmp_path) == run_of("new")


@pytest.mark.parametrize("names", [["flags.txt"], ["flags.txt", "status.json"], ["flags.txt", "log.csv", "model"]])
def test_a_run_that_was_killed_before_its_first_checkpoint_begins_again(tmp_path: Path, names: list[str]):
    for name in names:
        (tmp_path / name).mkdir() if name == "model" else (tmp_path / name).write_text('{"state": "running"}')
    assert is_unfinished(tmp_path)
    assert not goes_on(tmp_path)
    with run_folder(tmp_path) as folder:
        leave_run(folder, "new")
    assert contents(tmp_path) == run_of("new")
    assert not is_unfinished(tmp_path)


@pytest.mark.parametrize("status", ["", "{}", "[]", "\xff"])
def test_where_the_status_is_damaged_the_scores_tell_whether_a_run_is_finished(tmp_path: Path, status: str):
    leave_run(tmp_path, "earlier")
    (tmp_path / "status.json").write_bytes(status.encode("latin-1"))
    assert not is_unfinished(tmp_path)
    (tmp_path / "metrics.json").unlink()
    assert is_unfinished(tmp_path)


def test_checkpoints_are_gone_on_from_unless_asked_otherwise(tmp_path: Path):
    leave_run(tmp_path, "earlier")
    (tmp_path / "checkpoints").mkdir()
    assert is_unfinished(tmp_path) is False
    (tmp_path / "checkpoints" / "step-20.index").write_text("")
    assert goes_on(tmp_path)
    assert not goes_on(tmp_path, overwrite=True)
    with pytest.raises(InputError, match="already holds"):
        goes_on(tmp_path, resume=False)


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
