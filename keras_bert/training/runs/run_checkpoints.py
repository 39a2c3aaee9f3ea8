"""The checkpoints of a run: written beside and renamed, the newest few kept, the newest that is whole restored."""

import contextlib
import re
import shutil
from pathlib import Path

import keras
import tensorflow as tf
from absl import logging

from keras_bert.errors import InputError


class RunCheckpoints:
    """Saves the variables of a model and its optimizer, and the place of a run, as TensorFlow checkpoints.

    Args:
        folder: Where they are written, as `step-N`, by `tf.train.CheckpointManager`.
        keep: How many to keep.
        place: What is saved beside the variables.
    """

    def __init__(self, folder: Path, keep: int, place: tf.train.experimental.PythonState) -> None:
        self.folder = folder
        self.keep = keep
        self._place = place
        self._manager: tf.train.CheckpointManager | None = None

    @property
    def is_attached(self) -> bool:
        """Whether there is a model to save."""
        return self._manager is not None

    def attach(self, model: keras.Model) -> None:
        """Makes ready to save and restore a compiled model."""
        with model.distribute_strategy.scope():
            model.optimizer.build(model.trainable_variables)
        parts = {"model": model.variables, "optimizer": model.optimizer.variables}
        # By number: Keras numbers the layers of a process, so the next process may have other paths.
        named = {
            part: {f"{index:04d}": variable.value for index, variable in enumerate(variables)}
            for part, variables in parts.items()
        }
        checkpoint = tf.train.Checkpoint(place=self._place, **named)
        _mend_list(self.folder)
        self._manager = tf.train.CheckpointManager(checkpoint, str(self.folder), self.keep, checkpoint_name="step")

    def restore(self, folder: Path) -> bool:
        """Restores the newest checkpoint in a folder that is whole.

        Returns:
            Whether there was one.

        Raises:
            InputError: There are checkpoints and none can be read, or they are of another model.
        """
        assert self._manager is not None
        self._remove_parts()
        paths = [str(folder / name) for name in reversed(checkpoint_names(folder))]
        for path in paths:
            try:
                self._manager.checkpoint.restore(path).assert_consumed()
            except (AssertionError, ValueError, tf.errors.InvalidArgumentError) as error:
                raise InputError(
                    f"{path}: the checkpoint of another model or optimizer ({' '.join(str(error).split())[:200]}); "
                    "resume with the flags of the first run, or start anew with --overwrite"
                ) from error
            except (tf.errors.OpError, IndexError) as error:  # the reader's own translation of a short file
                logging.warning("%s is damaged, trying the one before (%s)", path, str(error).splitlines()[0])
            else:
                return True
        if paths:
            raise InputError(f"{folder}: none of its {len(paths)} checkpoints can be read; start anew with --overwrite")
        return False

    def save(self, number: int) -> None:
        """Saves now, as `step-NUMBER`.

        Raises:
            InputError: The checkpoint cannot be written. Those before are whole.
        """
        assert self._manager is not None
        try:
            self._manager.save(checkpoint_number=number)
        except tf.errors.OpError as error:
            kept = self._manager.latest_checkpoint
            # What is left of it takes room.
            self._remove_parts()
            for part in self.folder.glob(f"step-{number}.*"):
                with contextlib.suppress(OSError):
                    part.unlink()
            raise InputError(
                f"{self.folder}: the checkpoint of step {number} cannot be written "
                f"({str(error).splitlines()[0]}); make room, then resume"
                + (f" from {Path(kept).name}, which is whole" if kept else "")
            ) from error

    def _remove_parts(self) -> None:
        """Removes what TensorFlow leaves of a checkpoint that it was not able to finish."""
        for part in self.folder.glob("step-*_temp"):
            shutil.rmtree(part, ignore_errors=True)


def checkpoint_names(folder: Path) -> list[str]:
    """Returns the names of the checkpoints in a folder, the oldest first; nothing where there is no folder.

    By their files: TensorFlow's own list of them, a file named `checkpoint`, may be damaged or gone.

    Example:
        >>> checkpoint_names(Path("runs/mine/checkpoints"))  # doctest: +SKIP
        ['step-500', 'step-1000']
    """
    found = [path.stem for path in folder.glob("step-*.index")] if folder.is_dir() else []
    return sorted((name for name in found if re.fullmatch(r"step-\d+", name)), key=lambda name: int(name[5:]))


def _mend_list(folder: Path) -> None:
    """Writes TensorFlow's list of the checkpoints anew where it does not name those that are there."""
    names = checkpoint_names(folder)
    if not names:
        return
    try:
        listed = tf.train.get_checkpoint_state(str(folder))
    except (tf.errors.OpError, ValueError):
        listed = None
    if listed is None or {Path(path).name for path in listed.all_model_checkpoint_paths} != set(names):
        with contextlib.suppress(tf.errors.OpError, OSError):  # of a disk that is read-only; saving says so
            paths = [str(folder / name) for name in names]
            # Without times none of them would ever be deleted.
            times = [Path(f"{path}.index").stat().st_mtime for path in paths]
            tf.compat.v1.train.update_checkpoint_state(
                str(folder), paths[-1], paths, all_model_checkpoint_timestamps=times, last_preserved_timestamp=0.0
            )
