"""The rows that an export runs its model on: to warm a server up, to find the limits of 8-bit numbers, to measure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.errors import InputError
from keras_bert.scripts import row_flags
from keras_bert.scripts.labelled_rows import dev_of_the_run, labelled_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keras_bert.tasks import BertTask

FLAGS = flags.FLAGS

flags.DEFINE_string(
    "warmup", None, "Labelled rows, of which the first 32 warm TensorFlow Serving up; none: no warm-up."
)
flags.DEFINE_string(
    "calibrate",
    None,
    "For --dtype=int8 of a SavedModel: rows like those to come, of which 256 are used; the run's --dev.",
)
flags.DEFINE_string(
    "measure", None, "Labelled rows: size, time, memory and answers on them are printed and kept in the model card."
)


def warmup_rows(task: BertTask) -> Iterable[Any] | None:
    """Returns the rows of --warmup, those of the vocabulary (None) without it."""
    from keras_bert.serving.warmup import MOST_ROWS

    if FLAGS.warmup is None or FLAGS.warmup == "none":
        return None if FLAGS.warmup is None else ()
    return _rows(task, FLAGS.warmup, MOST_ROWS)


def calibration_rows(task: BertTask) -> Iterable[Any]:
    """Returns the rows of --calibrate, or those of the --dev of the run that the model lies in.

    Raises:
        InputError: There are none.
    """
    from keras_bert.tasks.base.int8_export import MOST_ROWS

    path = FLAGS.calibrate or dev_of_the_run(FLAGS.model)
    if path is None:
        raise InputError("--dtype=int8 needs rows to find the limits of its numbers by: --calibrate=FILE")
    return _rows(task, path, MOST_ROWS)


def _rows(task: BertTask, path: str, most: int) -> Iterable[Any]:
    if not task.has_labelled_rows or task.answers_text:  # texts alone
        return row_flags.read_rows(path, label=False).take(most).as_numpy_iterator()
    rows = labelled_rows(task, path).take(most).as_numpy_iterator()
    return ({name: _listed(value) for name, value in row.items()} for row in rows)


def _listed(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value
