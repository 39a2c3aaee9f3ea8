"""A budget of privacy for a run: what it asks for, and what of it is spent."""

import dataclasses
import math
from typing import Any

from keras_bert.errors import InputError
from keras_bert.training.privacy.accountant import ACCOUNTANTS, noise_for, spent_epsilon


@dataclasses.dataclass(frozen=True)
class Privacy:
    """DP-SGD: the gradient of each example is clipped, noise is added once a step, batches are drawn row by row.

    Who sees the trained model can tell hardly better than by a factor e^ε in the odds, and but for a probability δ,
    whether any one row was among those it was trained on. One row: not one person who wrote several.

    Args:
        rows: How many rows there are to train on; their number is no secret.
        batch_size: Rows of a batch on average: each row is in it with probability batch_size / rows.
        steps: Of the whole run.
        epsilon: ε; infinity clips without noise.
        delta: δ; None for 1 / (2 · rows).
        clip: Largest norm of an example's gradient.
        noise_multiplier: Standard deviation of the noise over the clip, in place of `epsilon`.
        accountant: `"pld"`, or `"rdp"`, which gives larger numbers.

    Raises:
        InputError: A number out of its range, or a budget that cannot be kept; dp-accounting is not installed.

    Example:
        >>> Privacy(rows=1000, batch_size=100, steps=10, noise_multiplier=0.0, clip=0.1).sampling_rate
        0.1

    References:
        Abadi et al. 2016, arXiv:1607.00133; Li et al. 2021, arXiv:2110.05679, whose setting for SST-2 is a batch of
        1,000, 3 epochs, a clip of 0.1, a rate of 5e-4 and no weight decay.
    """

    rows: int
    batch_size: int
    steps: int
    epsilon: float | None = None
    delta: float | None = None
    clip: float = 0.1
    noise_multiplier: float | None = None
    accountant: str = "pld"

    def __post_init__(self) -> None:
        """Checks the numbers, and finds the noise."""
        for name in ("rows", "batch_size", "steps"):
            if getattr(self, name) < 1:
                raise InputError(f"privacy: {name} is 1 or more, received: {getattr(self, name)!r}")
        if self.batch_size > self.rows:
            raise InputError(f"privacy: batch_size={self.batch_size} is more than the {self.rows} rows there are")
        if (self.epsilon is None) == (self.noise_multiplier is None):
            raise InputError("privacy: say epsilon or noise_multiplier, one of them")
        if self.epsilon is not None and not self.epsilon > 0:
            raise InputError(f"privacy: epsilon is more than 0, received: {self.epsilon!r}")
        if not self.clip > 0 or (math.isinf(self.clip) and self.noise_multiplier != 0):
            raise InputError(f"privacy: clip is a number more than 0, received: {self.clip!r}")
        if self.accountant not in ACCOUNTANTS:
            raise InputError(f"privacy: accountant is one of {', '.join(ACCOUNTANTS)}, received: {self.accountant!r}")
        if self.delta is None:
            object.__setattr__(self, "delta", 1 / (2 * self.rows))
        if not 0 < (self.delta or 0) < 1:
            raise InputError(f"privacy: delta is between 0 and 1, received: {self.delta!r}")
        if self.epsilon is not None:
            found = noise_for(self.epsilon, self.delta or 0, self.sampling_rate, self.steps, self.accountant)
            object.__setattr__(self, "noise_multiplier", found)
        elif not 0 <= (self.noise_multiplier or 0) < math.inf:
            raise InputError(f"privacy: noise_multiplier is 0 or more, received: {self.noise_multiplier!r}")

    @property
    def sampling_rate(self) -> float:
        """The probability of a row to be in a batch."""
        return self.batch_size / self.rows

    @property
    def noise(self) -> float:
        """Standard deviation of the noise in the sum of the clipped gradients."""
        return self.noise_multiplier * self.clip if self.noise_multiplier else 0.0

    def spent(self, steps: int) -> float:
        """Returns the ε that so many steps have spent."""
        assert self.noise_multiplier is not None
        assert self.delta is not None
        return spent_epsilon(self.noise_multiplier, self.sampling_rate, steps, self.delta, self.accountant)

    def refuse_more(self, done: int, batches: Any, epochs: int = 1, initial_epoch: int = 0, **_: Any) -> None:
        """Refuses batches that would spend more than the budget.

        Args:
            done: Steps that were taken.
            batches: A data set, gone through in each epoch.
            epochs: As those of `fit`.
            initial_epoch: As that of `fit`.

        Raises:
            InputError: There are more of them than steps are left.
        """
        count = int(batches.cardinality()) if hasattr(batches, "cardinality") else 1
        more = max(count, 1) * (epochs - initial_epoch)
        if done + more > self.steps:
            raise InputError(
                f"privacy: the budget is for {self.steps:,} steps; {done:,} are done and {more:,} more are asked for"
            )

    def config(self) -> dict[str, Any]:
        """Returns the arguments: with the noise that was found, so that nothing has to be found again."""
        return {**dataclasses.asdict(self), "epsilon": None}

    def facts(self, steps: int) -> dict[str, Any]:
        """Returns what a model card says after so many steps."""
        return {
            "epsilon spent": self.spent(steps),
            "delta": self.delta,
            "clip": self.clip,
            "noise multiplier": self.noise_multiplier,
            "sampling rate": self.sampling_rate,
            "steps": steps,
            "accountant": self.accountant,
            "unit": "one training row",
        }
