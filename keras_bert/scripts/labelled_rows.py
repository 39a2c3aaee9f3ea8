"""Rows that a model is scored on, or shown with: those of a file, those of its run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keras_bert.scripts import row_flags
from keras_bert.scripts.flag_file import expand_flag_files

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_bert.tasks import BertTask


def labelled_rows(task: BertTask, path: str) -> tf.data.Dataset:
    """Returns the rows of a file as `evaluate` reads them."""
    from keras_bert.scripts.task_kinds import kind_of

    kind = kind_of(task)
    row_flags.check_texts(path, kind.text_fields(task))
    return kind.read_for(task, path)


def dev_of_the_run(model: str | Path) -> str | None:
    """Returns the --dev of the run that a model's folder lies in, None where there is no run or no such flag."""
    file = Path(model).parent / "flags.txt"
    if not file.is_file():
        return None
    lines = expand_flag_files([f"--flagfile={file}"])
    found = [line.removeprefix("--dev=") for line in lines if line.startswith("--dev=")]
    return found[-1] if found and found[-1] else None
