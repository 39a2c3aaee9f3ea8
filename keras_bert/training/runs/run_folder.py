"""The folder that a training run leaves behind."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from absl import logging

from keras_bert.files import check_no_pattern, check_target
from keras_bert.foreign_files import parse_json
from keras_bert.training.runs.run_checkpoints import checkpoint_names
from keras_bert.training.runs.run_lock import refuse_if_running, run_lock

RUN_FILES = (
    "model",
    "checkpoints",
    "metrics.json",
    "log.csv",
    "curves.png",
    "confusion.png",
    "tensorboard",
    "status.json",
    "flags.txt",
)
"""What a run leaves in its folder."""

_UNTIL_REPLACED = ("model", "metrics.json")
"""What stays of an earlier run until there is a new model."""

_EARLIER = ".earlier-"


def goes_on(folder: Path, overwrite: bool = False, resume: bool = True) -> bool:
    """Tells whether a run goes on from the checkpoints in its folder; if it does not, the folder must be free for it.

    A run that was killed before its first checkpoint begins again in its folder.

    Args:
        folder: Of the run; need not exist.
        overwrite: What an earlier run left may be replaced.
        resume: Go on from what is there.

    Raises:
        InputError: The folder holds something that is not to be replaced, or another program trains in it.
    """
    check_no_pattern(folder)
    if folder.is_dir():
        refuse_if_running(folder)
    if resume and not overwrite:
        if checkpoint_names(folder / "checkpoints"):
            return True
        if is_unfinished(folder):
            return False
    check_target(folder, overwrite)
    return False


def is_unfinished(folder: Path) -> bool:
    """Tells whether a folder holds what a run leaves that did not come to its end."""
    if not any((folder / name).exists() for name in ("status.json", "flags.txt", "log.csv", "checkpoints")):
        return False
    try:
        return parse_json((folder / "status.json").read_bytes(), folder)["state"] != "finished"
    except (OSError, ValueError, KeyError, TypeError):
        return not (folder / "metrics.json").exists()


@contextlib.contextmanager
def run_folder(path: str | Path, overwrite: bool = False, resume: bool = True) -> Iterator[Path]:
    """Holds the folder of a run, made if need be, and puts back what was there if the run ends with nothing to keep.

    What an earlier run left is moved aside, inside the folder; its model and the scores of that stay in place until
    there is a new model, see `new_model_is_there`. Other files stay. A run that ends before its first model or
    checkpoint is saved (a full disk, Ctrl-C in the first epoch) leaves everything as it was. After one that was killed
    there, the next run puts everything back before it begins.

    Args:
        path: The folder.
        overwrite: The folder may hold an earlier run, which is replaced.
        resume: Go on from checkpoints in the folder.

    Yields:
        The folder; unless the run goes on, without any of `RUN_FILES` but an earlier model and its scores.

    Raises:
        InputError: As `goes_on`.
        OSError: The folder cannot be written.
    """
    folder = Path(path).expanduser().resolve()
    if goes_on(folder, overwrite, resume):
        with run_lock(folder):
            yield folder
        return
    was_there = folder.is_dir()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with run_lock(folder):
            moved = [name for name in RUN_FILES if name not in _UNTIL_REPLACED]
            # Of runs that were killed; the oldest is put back last, and stays.
            for left in sorted(folder.glob(f"{_EARLIER}*"), key=lambda path: -path.stat().st_mtime_ns):
                _leave(folder, left, moved)
            had_model = (folder / "model").exists()
            aside = Path(tempfile.mkdtemp(prefix=_EARLIER, dir=folder))
            _move(folder, aside, moved)
            if not had_model and not any(aside.iterdir()):
                aside.rmdir()
            try:
                yield folder
            finally:
                _leave(folder, aside, moved)
    finally:
        if not was_there and not any(folder.iterdir()):
            folder.rmdir()


def _leave(folder: Path, aside: Path, moved: list[str]) -> None:
    """Puts back what was moved aside, unless the run has a new model or a checkpoint to go on from."""
    has_checkpoint = bool(checkpoint_names(folder / "checkpoints"))
    if not aside.is_dir():
        if not (has_checkpoint or (folder / "model").is_dir()):
            for name in RUN_FILES:
                _remove(folder / name)
    elif has_checkpoint:
        logging.warning("%s: the model and its scores are still those of the earlier run", folder)
    else:
        for name in moved:
            _remove(folder / name)
        _move(aside, folder, moved)
        aside.rmdir()


def new_model_is_there(folder: Path) -> None:
    """Deletes what is left of earlier runs: those of processes that were killed as well."""
    earlier = list(folder.glob(f"{_EARLIER}*"))
    if earlier:
        (folder / "metrics.json").unlink(missing_ok=True)
    for each in earlier:
        shutil.rmtree(each, ignore_errors=True)


@contextlib.contextmanager
def worker_folder() -> Iterator[Path]:
    """Makes a folder for a worker that is not the chief: what it writes is deleted, as the chief writes the same.

    Workers must do alike what a strategy does on all of them, saving included.
    """
    with tempfile.TemporaryDirectory(prefix="keras-bert-worker-") as folder:
        yield Path(folder)


def _move(source: Path, target: Path, names: list[str]) -> None:
    for name in names:
        if (source / name).exists():
            (source / name).rename(target / name)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
