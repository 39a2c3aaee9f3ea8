"""Everything a run needs to go on where it stopped: weights, optimizer, random numbers, and the place in the data."""

import json
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

from keras_bert.errors import InputError
from keras_bert.files import check_no_pattern
from keras_bert.foreign_files import parse_json
from keras_bert.training.runs.between_workers import BetweenWorkers
from keras_bert.training.runs.run_checkpoints import RunCheckpoints

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
"""What tells a run to leave: `kill` and schedulers, Ctrl-C, a terminal that is gone, SLURM's early warning."""

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
        values = parse_json(string_value, "the place in the data")
        start = _Place().values
        if not isinstance(values, dict) or not all(
            isinstance(values.get(name), int if isinstance(number, int) else (int, float)) and values[name] >= 0
            for name, number in start.items()
        ):
            raise InputError(f"the place in the data is {string_value!r:.200}; expected {', '.join(start)}")
        self.values = values


class RunState(keras.callbacks.Callback):
    """Saves a run every so many steps and when it is told to leave, and restores it.

    What is kept are all variables of the model and the optimizer, the states of random number generators among them
    (dropout), and the place in the data. A run that makes its batches from the seed and the epoch, skips the steps
    that are done, and restores this, ends with the weights it would have had without the interruption.

    During `fit`, or from `listen` to `stop_listening`, SIGTERM, SIGHUP, SIGUSR1 and Ctrl-C let the current step end,
    save, and stop the training; `stopped_by` tells. Between steps (in an evaluation, say), and on one replica also
    while the first is still traced, which takes large models long, they save and leave at once: Ctrl-C with a
    `KeyboardInterrupt`, the others with the exit status of shells, 128 and the signal. Of several workers one is
    enough to be told: all of them save and stop after the same step. After the last step of all, several workers
    finish. A signal that the process ignores, as SIGHUP under `nohup`, is ignored.

    What counts are updates, also where `steps_per_execution` makes several at once, which can be saved only together;
    in a `fit` of several epochs the place moves on with them.

    Put it first among the callbacks, so that others see the place after the step. Do not call `fit` when all steps
    of the epoch are done: with an empty data set Keras starts a step before it finds out, random numbers included.

    Args:
        folder: Folder of the checkpoints, written by `tf.train.CheckpointManager`: beside and then renamed, the
            newest `keep` are kept.
        every_steps: Steps between two checkpoints; 0 saves only when the run is told to leave.
        keep: Checkpoints to keep.
        keep_metrics: Keep what the model's metrics have counted, too, so that those of an epoch that was interrupted
            are over all of it. For metrics that count, such as means and sums. They begin anew with `begin_metrics`.

    Attributes:
        place: Where the run is, numbers by name: `phase`, `epoch` and `step` (in the epoch) that come next, from 0;
            `steps` done in all; `seconds` spent. The caller may add to it whatever JSON holds.
        hold: Whether the checkpoints that are due are held back, as while the loss is suspiciously high; a signal
            saves all the same.
        stopped_by: The signal that stopped the training, or None; of several workers, the same step for all of them.
        before_leaving: Called before a signal between two steps ends the process, after the run is saved.
        workers: What several workers have in common, None where there is one.

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
        self.hold = False
        self.stopped_by: int | None = None
        self.before_leaving: Callable[[], None] | None = None
        self.workers: BetweenWorkers | None = None
        self._place = _Place()
        self._checkpoints = RunCheckpoints(self.folder, keep, self._place)
        self._trained: keras.Model | None = None
        self._logs: dict[str, Any] = {}
        self._carried: list[Any] = []
        self._received: int | None = None
        self._in_step = False
        self._updates: int | None = None
        self._updates_before = 0
        self._epochs_begun = 0
        self._earlier: dict[int, Any] = {}
        self._only_during_fit = False
        self._began = time.monotonic()

    @property
    def place(self) -> dict[str, Any]:
        """Where the run is; see the class."""
        return self._place.values

    @property
    def logs(self) -> dict[str, float]:
        """What the model's metrics said after the last step, with `keep_metrics` over the steps before it too."""
        return {name: float(value) for name, value in (self._logs or self.place.get("logs", {})).items()}

    def attach(self, model: keras.Model) -> None:
        """Makes ready to save and restore a compiled model."""
        self._checkpoints.attach(model)
        self._trained = model
        self.workers = BetweenWorkers.of(model.distribute_strategy)

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
        if not self._checkpoints.restore(folder or self.folder):
            return False
        self._began = time.monotonic() - self.place["seconds"]
        if self.keep_metrics:
            self._carried = self.place.get("metrics", [])
        return True

    def save(self) -> None:
        """Saves now.

        Raises:
            InputError: The checkpoint cannot be written. Those before are whole.
        """
        self.place["seconds"] = self.seconds
        self._note_metrics()
        self._checkpoints.save(self.place["steps"])

    @property
    def seconds(self) -> float:
        """Seconds the run has taken, all its parts together."""
        return time.monotonic() - self._began

    # -- the metrics -------------------------------------------------------------------------------------

    def begin_metrics(self) -> None:
        """Lets the model's metrics count from zero: what they have counted so far is told."""
        if self._trained is not None:
            self._trained.reset_metrics()
        self.place.update(metrics=[], logs={})
        self._carried, self._logs = [], {}

    def _add_carried_metrics(self) -> dict[str, Any]:
        """Adds what the metrics had counted before `fit` began; before the first step they may not be built."""
        for variable, value in zip(self.model.metrics_variables, self._carried, strict=True):
            variable.assign(variable.numpy() + np.array(value, variable.dtype))
        self._carried = []
        return self.model.get_metrics_result()

    def _note_metrics(self) -> None:
        assert self._trained is not None
        self.place["logs"] = self.logs
        if self.keep_metrics and not self._carried:  # else the metrics lack what is still to be added to them
            self.place["metrics"] = [variable.numpy().tolist() for variable in self._trained.metrics_variables]

    # -- signals -----------------------------------------------------------------------------------------

    def listen(self) -> None:
        """Listens to signals, as it does during `fit`, until `stop_listening`."""
        self._only_during_fit = False
        if self._earlier or threading.current_thread() is not threading.main_thread():
            return
        heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        self._earlier = {number: signal.signal(number, self._leave) for number in heard}

    def stop_listening(self) -> None:
        """Gives signals back to whom they belonged; after an exception in `fit`."""
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        self._earlier = {}

    def _signal_in_common(self) -> int | None:
        """Returns the signal to stop after this step. What workers do next, they must all do: the sum alone decides."""
        # Read once: a signal that comes while the workers add up, which only this one would know of, is for the
        # next step.
        received = self._received
        if self.workers is None:
            return received
        if not self.workers.sum(received or 0):
            return None
        return received or signal.SIGTERM

    def _leave(self, number: int, frame: types.FrameType | None) -> None:
        self._received = number
        # What workers have in common they can only save together, after a step.
        if self.workers is None and (not self._in_step or self._is_traced()):
            self.stopped_by = number
            # The signal may have come while TensorFlow traced a function, where variables have no values.
            with tf.init_scope():
                self.save()
                if self.before_leaving is not None:
                    self.before_leaving()
            if number == signal.SIGINT:
                raise KeyboardInterrupt
            sys.exit(128 + number)

    def _is_traced(self) -> bool:
        """Tells whether the first step of `fit` is still being traced: it has not made its update yet.

        Not on several replicas, which trace in threads of their own.
        """
        if self._updates is None or self.model.distribute_strategy.num_replicas_in_sync > 1:
            return False
        with tf.init_scope():
            return int(keras.ops.convert_to_numpy(self.model.optimizer.iterations)) == self._updates

    # -- the course of `fit` -----------------------------------------------------------------------------

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Starts to listen to signals."""
        if not self._checkpoints.is_attached:
            self.attach(self.model)
        self._in_step = False
        self._epochs_begun = 0
        self._updates = int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))
        if not self._earlier:
            self.listen()
            self._only_during_fit = True

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Moves on to a further epoch of `fit`; takes up what the metrics, which are reset, had counted before."""
        if self._epochs_begun:
            self.next_epoch()
        self._epochs_begun += 1
        self._carried = self.place.get("metrics", []) if self.keep_metrics else []

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Marks that variables are about to change."""
        self._in_step = True
        if self.model.steps_per_execution > 1:
            self._updates_before = self._updates_made()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Counts the step, saves when it is time, stops when told to."""
        # The last steps of an epoch may be fewer than were to be made at once.
        done = 1 if self.model.steps_per_execution == 1 else self._updates_made() - self._updates_before
        before = self.place["steps"]
        self.place["step"] += done
        self.place["steps"] += done
        self._in_step = False
        self._updates = None
        self._logs = logs or {}
        if self._carried:
            self._logs = self._add_carried_metrics()
        self.stopped_by = self._signal_in_common()
        if self.stopped_by is not None:
            self.save()
            self.model.stop_training = True
        elif (
            self.every_steps and not self.hold and before // self.every_steps != self.place["steps"] // self.every_steps
        ):
            self.save()

    def _updates_made(self) -> int:
        """Counts the updates of the optimizer, those that it left out included."""
        optimizer: Any = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        counters = [optimizer.iterations, *([optimizer.skipped] if getattr(optimizer, "skip_nonfinite", False) else [])]
        return sum(int(keras.ops.convert_to_numpy(counter)) for counter in counters)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Notes what the metrics have counted."""
        self._note_metrics()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Listens no longer, unless told to; of several workers that leave, none goes while another still needs it."""
        if self.workers is not None and self.stopped_by is not None:
            self.workers.sum(0)
            time.sleep(_GRACE)
        if self._only_during_fit:
            self.stop_listening()

    def next_epoch(self, keep_metrics: bool = False) -> None:
        """Moves the place to the start of the next pass over the data.

        Args:
            keep_metrics: Let the metrics go on counting from one epoch to the next.
        """
        self.place.update(epoch=self.place["epoch"] + 1, step=0)
        if self.keep_metrics and not keep_metrics:
            self.begin_metrics()

    def next_phase(self) -> None:
        """Moves the place to the start of the next phase."""
        self.place.update(phase=self.place["phase"] + 1, epoch=0, step=0)
