"""Everything a run needs to go on where it stopped: weights, optimizer, random numbers, and the place in the data."""

import contextlib
import json
import shutil
import signal
import sys
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from keras_bert.errors import InputError
from keras_bert.files import check_no_pattern

_SIGNALS = (signal.SIGTERM, signal.SIGINT)

# Seconds that a worker stays after the last operation in common: its end is an error to those still in it.
_GRACE = 3.0


class _Place(tf.train.experimental.PythonState):
    """Where a run is: a dict of numbers that a TensorFlow checkpoint keeps beside the variables."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {"phase": 0, "epoch": 0, "step": 0, "steps": 0, "seconds": 0.0}

    def serialize(self) -> str:
        """Returns the numbers as JSON."""
        return json.dumps(self.values)

    def deserialize(self, string_value: bytes) -> None:
        """Takes the numbers from JSON."""
        self.values = json.loads(string_value)


class RunState(keras.callbacks.Callback):
    """Saves a run every so many steps and when it is told to leave, and restores it.

    What is kept are all variables of the model and the optimizer, the states of random number generators among them
    (dropout), and the place in the data. A run that makes its batches from the seed and the epoch, skips the steps
    that are done, and restores this, ends with the weights it would have had without the interruption.

    During `fit`, SIGTERM and Ctrl-C let the current step end, save, and stop the training; `stopped_by` tells. Between
    steps (in an evaluation, say), and on one replica also while the first is still traced, which takes large models
    long, they save and leave at once, with the exit status of shells, 128 and the signal. Of several workers one is
    enough to be told: all of them save and stop after the same step. After the last step of all, several workers
    finish.

    Put it first among the callbacks, so that others see the place after the step. Do not call `fit` when all steps
    of the epoch are done: with an empty data set Keras starts a step before it finds out, random numbers included.

    Args:
        folder: Folder of the checkpoints, written by `tf.train.CheckpointManager`: beside and then renamed, the
            newest `keep` are kept.
        every_steps: Steps between two checkpoints; 0 saves only when the run is told to leave.
        keep: Checkpoints to keep.
        keep_metrics: Keep what the model's metrics have counted in the epoch, too, so that those of an epoch that was
            interrupted are over all of it. For metrics that count, such as means and sums.

    Attributes:
        place: Where the run is, numbers by name: `phase`, `epoch` and `step` (in the epoch) that come next, from 0;
            `steps` done in all; `seconds` spent; with `keep_metrics`, `logs`, what the metrics gave last. The caller
            may add to it whatever JSON holds.
        stopped_by: The signal that stopped the training, or None; of several workers, the same step for all of them.
        before_leaving: Called before a signal between two steps ends the process, after the run is saved.

    Example:
        >>> state = RunState("runs/mine/checkpoints", every_steps=500)  # doctest: +SKIP
        >>> state.restore(model)  # doctest: +SKIP
        >>> skipped = batches.skip(state.place["step"])  # doctest: +SKIP
        >>> model.fit(skipped, callbacks=[state])  # doctest: +SKIP
    """

    def __init__(self, folder: str | Path, every_steps: int = 500, keep: int = 3, keep_metrics: bool = False) -> None:
        super().__init__()
        if every_steps < 0 or keep < 1:
            raise InputError(f"every_steps={every_steps} must be 0 or more, keep={keep} 1 or more")
        check_no_pattern(Path(folder).resolve())
        self.folder = Path(folder)
        self.every_steps = every_steps
        self.keep = keep
        self.keep_metrics = keep_metrics
        self.stopped_by: int | None = None
        self.before_leaving: Callable[[], None] | None = None
        self._place = _Place()
        self._manager: tf.train.CheckpointManager | None = None
        self._trained: keras.Model | None = None
        self._logs: dict[str, Any] = {}
        self._carried: list[Any] = []
        self._received: int | None = None
        self._sum_over_workers: Callable[[Any], Any] | None = None
        self._in_step = False
        self._updates: int | None = None
        self._earlier: dict[int, Any] = {}
        self._began = time.monotonic()

    @property
    def place(self) -> dict[str, Any]:
        """Where the run is; see the class."""
        return self._place.values

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
        self._manager = tf.train.CheckpointManager(checkpoint, str(self.folder), self.keep, checkpoint_name="step")
        self._trained = model
        if isinstance(model.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy):
            self._sum_over_workers = _sum_over_workers(model.distribute_strategy)

    def restore(self, model: keras.Model, folder: Path | None = None) -> bool:
        """Restores the newest checkpoint that is whole.

        Args:
            model: Compiled, built as the one that was saved.
            folder: Where to look; None for the folder that is written to. On several workers the chief's.

        Returns:
            Whether there was one.

        Raises:
            InputError: There are checkpoints and none can be read, or they are of another model.
        """
        self.attach(model)
        assert self._manager is not None
        self._remove_parts()
        folder = folder or self.folder
        found = tf.train.get_checkpoint_state(str(folder))
        paths = list(reversed(found.all_model_checkpoint_paths)) if found else []
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
                self._began = time.monotonic() - self.place["seconds"]
                return True
        if paths:
            raise InputError(f"{folder}: none of its {len(paths)} checkpoints can be read; start anew")
        return False

    def save(self) -> None:
        """Saves now.

        Raises:
            InputError: The checkpoint cannot be written. Those before are whole.
        """
        assert self._manager is not None
        self.place["seconds"] = self.seconds
        if self.keep_metrics:
            self._note_metrics()
        try:
            self._manager.save(checkpoint_number=self.place["steps"])
        except tf.errors.OpError as error:
            kept = self._manager.latest_checkpoint
            # What is left of it takes room.
            self._remove_parts()
            for part in self.folder.glob(f"step-{self.place['steps']}.*"):
                with contextlib.suppress(OSError):
                    part.unlink()
            raise InputError(
                f"{self.folder}: the checkpoint of step {self.place['steps']} cannot be written "
                f"({str(error).splitlines()[0]}); make room, then resume"
                + (f" from {Path(kept).name}, which is whole" if kept else "")
            ) from error

    def _remove_parts(self) -> None:
        """Removes what TensorFlow leaves of a checkpoint that it was not able to finish."""
        for part in self.folder.glob("step-*_temp"):
            shutil.rmtree(part, ignore_errors=True)

    @property
    def seconds(self) -> float:
        """Seconds the run has taken, all its parts together."""
        return time.monotonic() - self._began

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Starts to listen to signals."""
        if self._manager is None:
            self.attach(self.model)
        self._in_step = False
        self._updates = int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))
        self.listen()

    def listen(self) -> None:
        """Listens to signals, as it does during `fit`, until `stop_listening`."""
        if not self._earlier and threading.current_thread() is threading.main_thread():
            self._earlier = {number: signal.signal(number, self._leave) for number in _SIGNALS}

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Notes whether the metrics, which `fit` has just reset, had counted a part of the epoch."""
        self._carried = self.place["metrics"] if self.keep_metrics and self.place["step"] else []

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Notes what the metrics say of the epoch."""
        self._logs = logs or {}
        if self.keep_metrics:
            self._note_metrics()

    def _add_carried_metrics(self) -> dict[str, Any]:
        """Adds what the metrics had counted before the run was resumed; before the first step they may not be built."""
        for variable, value in zip(self.model.metrics_variables, self._carried, strict=True):
            variable.assign(variable.numpy() + np.array(value, variable.dtype))
        self._carried = []
        return self.model.get_metrics_result()

    def _note_metrics(self) -> None:
        assert self._trained is not None
        self.place["logs"] = {name: float(value) for name, value in self._logs.items()}
        self.place["metrics"] = [variable.numpy().tolist() for variable in self._trained.metrics_variables]

    def on_train_end(self, logs: dict | None = None) -> None:
        """Listens no longer; of several workers that leave, none goes while another still needs it."""
        if self._sum_over_workers is not None and self.stopped_by is not None:
            self._sum_over_workers(tf.constant(0))
            time.sleep(_GRACE)
        self.stop_listening()

    def stop_listening(self) -> None:
        """Gives signals back to whom they belonged; after an exception in `fit`."""
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        self._earlier = {}

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Marks that variables are about to change."""
        self._in_step = True

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Counts the step, saves when it is time, stops when told to."""
        self.place["step"] += 1
        self.place["steps"] += 1
        self._in_step = False
        self._updates = None
        self._logs = logs or {}
        if self._carried:
            self._logs = self._add_carried_metrics()
        self.stopped_by = self._signal_in_common()
        if self.stopped_by is not None:
            self.save()
            self.model.stop_training = True
        elif self.every_steps and self.place["steps"] % self.every_steps == 0:
            self.save()

    def _signal_in_common(self) -> int | None:
        """Returns the signal to stop after this step. What workers do next, they must all do: the sum alone decides."""
        # Read once: a signal that comes while the workers add up, which only this one would know of, is for the
        # next step.
        received = self._received
        if self._sum_over_workers is None:
            return received
        if not int(self._sum_over_workers(tf.constant(received or 0))):
            return None
        return received or signal.SIGTERM

    def next_epoch(self) -> None:
        """Moves the place to the start of the next pass over the data."""
        self.place.update(epoch=self.place["epoch"] + 1, step=0)

    def next_phase(self) -> None:
        """Moves the place to the start of the next phase."""
        self.place.update(phase=self.place["phase"] + 1, epoch=0, step=0)

    def _leave(self, number: int, frame: types.FrameType | None) -> None:
        self._received = number
        # What workers have in common they can only save together, after a step.
        if self._sum_over_workers is None and (not self._in_step or self._is_traced()):
            self.stopped_by = number
            # The signal may have come while TensorFlow traced a function, where variables have no values.
            with tf.init_scope():
                self.save()
                if self.before_leaving is not None:
                    self.before_leaving()
            sys.exit(128 + number)

    def _is_traced(self) -> bool:
        """Tells whether the first step of `fit` is still being traced: it has not made its update yet.

        Not on several replicas, which trace in threads of their own.
        """
        if self._updates is None or self.model.distribute_strategy.num_replicas_in_sync > 1:
            return False
        with tf.init_scope():
            return int(keras.ops.convert_to_numpy(self.model.optimizer.iterations)) == self._updates


def _sum_over_workers(strategy: tf.distribute.Strategy) -> Callable[[Any], Any]:
    """Makes a function that adds up a number over all workers, which must all call it."""

    def add(number: Any) -> Any:
        # A copy on the replica's own device: the sum goes where the number is.
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(number))

    run = tf.function(lambda number: strategy.run(add, args=(number,)))
    return lambda number: strategy.experimental_local_results(run(number))[0]
