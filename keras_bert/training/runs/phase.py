"""A part of a run that has batches of its own, such as rows of one length."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Phase:
    """What a part of a run trains on, and when it ends; exactly one of the three ends.

    Attributes:
        batches: From the number of an epoch of the phase, from 0, to its batches, of known cardinality. They must
            follow from the number alone, so that a run can go on in the middle of an epoch.
        epochs: Ends after so many passes over the data.
        steps: Ends after this step of the whole run, counted from 1.
        share: Ends when this share of the run's budget of time is spent.
        evaluate: Scores the model on held-out rows of the phase's kind: name → value; None measures nothing.

    Example:
        >>> Phase(lambda epoch: model.batches(rows, 32, shuffle=True, seed=epoch), epochs=3)  # doctest: +SKIP
    """

    batches: Callable[[int], tf.data.Dataset]
    epochs: int | None = None
    steps: int | None = None
    share: float | None = None
    evaluate: Callable[[], Mapping[str, float]] | None = None

    def __post_init__(self) -> None:
        if sum(end is not None for end in (self.epochs, self.steps, self.share)) != 1:
            raise ValueError(f"a phase ends after epochs, at a step, or at a share of the budget: one of them, {self}")


def are_phases(train: Any) -> bool:
    """Tells phases from rows, which may be a list too.

    Example:
        >>> are_phases([Phase(lambda epoch: tf.data.Dataset.range(1), epochs=1)]), are_phases([{"text": "a"}])
        (True, False)
    """
    return isinstance(train, Sequence) and bool(train) and all(isinstance(each, Phase) for each in train)
