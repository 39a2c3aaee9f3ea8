"""A learning rate that follows the clock, for runs with a budget of time instead of steps."""

import time
from collections.abc import Callable

import keras

from keras_bert.errors import InputError


class ClockSchedule(keras.callbacks.Callback):
    """Sets the learning rate by the share of the time budget that is spent, and stops the run when it is used up.

    Warm-up and decay are lines, as in `LinearWarmupDecay`, but over seconds: a run on another machine, or beside
    other work, gets through fewer steps and still ends with the rate at zero. The optimizer's learning rate must be
    a number, not a schedule. Several workers follow the clock of the chief, see `begin`.

    Args:
        peak_learning_rate: The highest rate.
        budget: Seconds the run may take.
        warmup: Share of the budget in which the rate rises, in [0, 1].
        spent: Seconds that earlier parts of the run have used, such as before it was resumed.
        clock: Gives the time in seconds; another one for tests.

    Attributes:
        stop_at: Share at which `fit` stops; lower than 1 for a phase of the run.

    Raises:
        InputError: The budget is not positive, or the warm-up no share.

    Example:
        >>> model.fit(batches, callbacks=[ClockSchedule(1e-3, budget=3600)])  # doctest: +SKIP
    """

    def __init__(
        self,
        peak_learning_rate: float,
        budget: float,
        warmup: float = 0.1,
        spent: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        if budget <= 0:
            raise InputError(f"a budget is a time in seconds, more than 0, received: {budget}")
        if not 0 <= warmup <= 1:
            raise InputError(f"warmup is a share of the budget, between 0 and 1, received: {warmup}")
        self.peak_learning_rate = peak_learning_rate
        self.budget = budget
        self.warmup = warmup
        self.stop_at = 1.0
        self._clock = clock
        self._began = clock() - spent
        self._of_chief: Callable[[float], float] | None = None
        self._progress = 0.0

    @property
    def progress(self) -> float:
        """Share of the budget that is spent, from 0; over 1 when it is used up. Workers must ask as often as others."""
        progress = (self._clock() - self._began) / self.budget
        return progress if self._of_chief is None else self._of_chief(progress)

    def begin(self, spent: float, of_chief: Callable[[float], float] | None = None) -> None:
        """Begins to measure, or goes on, before `fit`.

        Args:
            spent: Seconds that earlier parts of the run have used.
            of_chief: From a number of this worker to that of the chief; with it all workers have the same rate in a
                step, and stop after the same one.
        """
        self._began = self._clock() - spent
        self._of_chief = of_chief

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Sets the rate of the step to come."""
        self._progress = self.progress
        progress = min(self._progress, 1.0)
        rising = progress / self.warmup if self.warmup else 1.0
        falling = (1.0 - progress) / (1.0 - self.warmup) if self.warmup < 1 else 1.0
        self.model.optimizer.learning_rate = self.peak_learning_rate * min(rising, falling)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Stops the run when its share of the budget is used up."""
        # Workers ask each other once a step.
        if (self.progress if self._of_chief is None else self._progress) >= self.stop_at:
            self.model.stop_training = True


def parse_duration(text: str) -> float:
    """Reads a time such as `2h`, `90m`, `1h30m` or `45s`; a bare number is seconds.

    Returns:
        Seconds.

    Raises:
        InputError: No such time.

    Example:
        >>> parse_duration("1h30m")
        5400.0
    """
    rest, seconds = text.strip().lower(), 0.0
    for unit, size in (("h", 3600), ("m", 60), ("s", 1)):
        head, mark, tail = rest.partition(unit)
        if mark:
            seconds, rest = seconds + _number(head, text) * size, tail
    if rest:
        seconds += _number(rest, text)
    if not 0 < seconds < float("inf"):
        raise InputError(f"{text!r}: expected a time of more than 0, such as 2h, 90m or 1h30m")
    return seconds


def _number(part: str, text: str) -> float:
    try:
        return float(part)
    except ValueError:
        raise InputError(f"{text!r}: expected a time such as 2h, 90m, 1h30m or 45s") from None
