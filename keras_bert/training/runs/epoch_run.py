"""The training loop: phases of epochs that can be stopped at any step, and go on from there."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.training.runs.clock import ClockSchedule
from keras_bert.training.runs.phase import Phase
from keras_bert.training.runs.run_log import RunLog
from keras_bert.training.runs.run_state import RunState
from keras_bert.training.strategy import check_even_shares


class EpochRun:
    """Trains a compiled model with `fit`, phase by phase and epoch by epoch, each epoch made once.

    What a stopped run needs to go on at the very step is all in the run's state: the place in the data, what the
    metrics have counted, the rows of the log. The rest follows from the seed: the batches of an epoch must not depend
    on those before it. `Run` makes one of these, and all that goes with it.

    Args:
        model: Compiled.
        state: Of the run, with `keep_metrics`; restored, if there was something to restore.
        phases: What to train on, one after the other.
        log: Makes the rows of the log, and says when it is enough.
        clock: The schedule of a run with a budget of time.
        before: Callbacks that see a step before the state counts it.
        callbacks: Further callbacks of `fit`, behind the state and the log.
        verbose: As that of `fit`.

    Example:
        >>> phases = [Phase(batches_of_epoch, epochs=3)]  # doctest: +SKIP
        >>> loop = EpochRun(model, state, phases, EpochLog("log.csv", state))  # doctest: +SKIP
        >>> loop.train()  # doctest: +SKIP
        True
    """

    def __init__(
        self,
        model: keras.Model,
        state: RunState,
        phases: Sequence[Phase],
        log: RunLog,
        clock: ClockSchedule | None = None,
        before: Sequence[keras.callbacks.Callback] = (),
        callbacks: Sequence[keras.callbacks.Callback] = (),
        verbose: int = 2,
    ) -> None:
        if clock is None and any(phase.share is not None for phase in phases):
            raise ValueError("a phase that ends at a share of the budget needs a clock")
        self.model = model
        self.state = state
        self.phases = list(phases)
        self.log = log
        self.clock = clock
        self.before = list(before)
        self.callbacks = list(callbacks)
        self.verbose = verbose
        self._is_told_to_end = False

    def train(self) -> bool:
        """Trains until the end, or until told to stop.

        Returns:
            Whether the run is at its end; if not, `state.stopped_by` tells why.

        Raises:
            InputError: An epoch has no batch, or nobody knows how many it has.
        """
        place = self.state.place
        # A longer run of the same phases goes on in the last one.
        place["phase"] = min(place["phase"], len(self.phases) - 1)
        while True:
            phase = self.phases[place["phase"]]
            self.log.evaluate = phase.evaluate
            if self.clock is not None:
                self.clock.stop_at = 1.0 if phase.share is None else phase.share
            while not self._is_done(phase):
                self._train_epoch(phase)
                if self.state.stopped_by is not None:
                    return False
            self.log.finish()
            if place["phase"] == len(self.phases) - 1 or self.log.is_enough or self._is_told_to_end:
                return True
            self.state.next_phase()

    def _is_done(self, phase: Phase) -> bool:
        place = self.state.place
        if self.log.is_enough or self._is_told_to_end:
            return True
        if phase.epochs is not None:
            return place["epoch"] >= phase.epochs
        if phase.steps is not None:
            return place["steps"] >= phase.steps
        assert self.clock is not None
        assert phase.share is not None
        return self.clock.progress >= phase.share

    def _train_epoch(self, phase: Phase) -> None:
        """Trains what is left of an epoch, as far as the phase goes."""
        place = self.state.place
        begin = place["step"]
        batches = phase.batches_from(place["epoch"], begin)
        count = _count(batches, begin)
        check_even_shares(self.model.distribute_strategy, batches)
        self.log.steps_per_epoch = count
        self.log.begin()
        left = count - begin
        if phase.steps is not None:
            left = min(left, phase.steps - place["steps"])
        # With an empty data set Keras would start a step, random numbers included.
        if left > 0 and not self.log.is_enough:
            end = begin + left
            self._fit(batches.take(left), count)
            # By a callback of the caller's; `Phase.share` ends by the clock.
            self._is_told_to_end = place["step"] < end and phase.share is None
        if self.state.stopped_by is None and place["step"] >= count:
            self.state.next_epoch(keep_metrics=self.log.keeps_metrics)

    def _fit(self, batches: tf.data.Dataset, count: int) -> None:
        epoch = self.state.place["epoch"]
        clock = [] if self.clock is None else [self.clock]
        listed = keras.callbacks.CallbackList(
            [*self.before, self.state, *clock, self.log, *self.callbacks],
            add_history=True,
            add_progbar=self.verbose != 0,
            verbose=self.verbose,
            epochs=self.phases[self.state.place["phase"]].epochs or epoch + 1,
            steps=count,
            model=self.model,
        )
        self.model.fit(
            batches, initial_epoch=epoch, epochs=epoch + 1, callbacks=listed, verbose=self.verbose, shuffle=False
        )


def _count(batches: tf.data.Dataset, begin: int) -> int:
    """Returns how many batches an epoch has.

    Args:
        batches: Those from one on.
        begin: The number of those before it.
    """
    count = int(batches.cardinality())
    if count == tf.data.UNKNOWN_CARDINALITY:
        raise InputError(
            "nobody knows how many batches an epoch has, so that a run could not go on in the middle of one; say it "
            "with tf.data.experimental.assert_cardinality"
        )
    if count + begin == 0:
        raise InputError("an epoch has no batch: there are no rows to train on")
    return 2**62 if count == tf.data.INFINITE_CARDINALITY else count + begin
