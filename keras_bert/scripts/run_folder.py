"""The folder that a training run leaves behind."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from keras_bert.files import check_target

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

_EARLIER = ".earlier-"


@contextlib.contextmanager
def run_folder(path: str | Path, overwrite: bool = False) -> Iterator[Path]:
    """Makes the folder of a run, and puts back what was there if the run ends with nothing to keep.

    With `overwrite`, what an earlier run left is moved aside, inside the folder, and deleted at the end; other files
    stay. A run that ends before its first model or checkpoint is saved (a full disk, Ctrl-C in the first epoch) leaves
    everything as it was. If the process is killed, the earlier run is still in `.earlier-XXXXXXXX`.

    Args:
        path: The folder.
        overwrite: The folder may hold an earlier run.

    Yields:
        The folder, without any of `RUN_FILES`.

    Raises:
        InputError: As `keras_bert.files.check_target`.
        OSError: The folder cannot be written.
    """
    folder = check_target(path, overwrite, tensorflow=True)
    was_there = folder.is_dir()
    folder.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=_EARLIER, dir=folder))
    _move(folder, aside)
    try:
        yield folder
    finally:
        if (folder / "model").is_dir() or any((folder / "checkpoints").glob("*.index")):
            remove_earlier(folder)
        else:
            for name in RUN_FILES:
                _remove(folder / name)
            _move(aside, folder)
            aside.rmdir()
            if not was_there:
                folder.rmdir()


def remove_earlier(folder: Path) -> None:
    """Deletes the runs that were moved aside, those of processes that were killed as well."""
    for earlier in folder.glob(f"{_EARLIER}*"):
        shutil.rmtree(earlier, ignore_errors=True)


@contextlib.contextmanager
def worker_folder() -> Iterator[Path]:
    """Makes a folder for a worker that is not the chief: what it writes is deleted, as the chief writes the same.

    Workers must do alike what a strategy does on all of them, saving included.
    """
    with tempfile.TemporaryDirectory(prefix="keras-bert-worker-") as folder:
        yield Path(folder)


def _move(source: Path, target: Path) -> None:
    for name in RUN_FILES:
        if (source / name).exists():
            (source / name).rename(target / name)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
