"""A part of a run that has batches of its own, such as rows of one length."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Phase:
    """What a part of a run trains on, and when it ends; exactly one of the three ends.

    Attributes:
        batches: From the number of an epoch of the phase, from 0, to its batches, of known cardinality. They must
            follow from the number alone, so that a run can go on in the middle of an epoch. With a parameter `begin` it
            is asked for those from that one on, and need not make the others.
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

    def batches_from(self, epoch: int, begin: int) -> tf.data.Dataset:
        """Returns the batches of an epoch from one on.

        Args:
            epoch: Its number.
            begin: The first batch, from 0.
        """
        return batches_from(self.batches, epoch, begin)


def batches_from(make: Callable[..., tf.data.Dataset], epoch: int, begin: int) -> tf.data.Dataset:
    """Returns the batches of an epoch from one on, without making those before it where that can be.

    Args:
        make: As `Phase.batches`.
        epoch: The number of the epoch.
        begin: The first batch, from 0.

    Example:
        >>> list(batches_from(lambda epoch: tf.data.Dataset.range(3), 0, 2).as_numpy_iterator())
        [2]
        >>> list(batches_from(lambda epoch, begin=0: tf.data.Dataset.range(begin, 3), 0, 2).as_numpy_iterator())
        [2]
    """
    if not begin:
        return make(epoch)
    if "begin" in inspect.signature(make).parameters:
        return make(epoch, begin=begin)
    return make(epoch).skip(begin)


def epochs_of(model: Any, rows: Any, batch_size: int, seed: int) -> Callable[..., tf.data.Dataset]:
    """Returns what makes the shuffled batches of an epoch out of its number, from any of them on.

    Args:
        model: Whose `batches` makes them.
        rows: As it takes them.
        batch_size: Rows a batch.
        seed: Of the run; each epoch has an order of its own.
    """

    def epoch_of(epoch: int, begin: int = 0) -> tf.data.Dataset:
        return model.batches(rows, batch_size, shuffle=True, seed=seed * 100_003 + epoch, begin=begin)

    return epoch_of


def are_phases(train: Any) -> bool:
    """Tells phases from rows, which may be a list too.

    Example:
        >>> are_phases([Phase(lambda epoch: tf.data.Dataset.range(1), epochs=1)]), are_phases([{"text": "a"}])
        (True, False)
    """
    return isinstance(train, Sequence) and bool(train) and all(isinstance(each, Phase) for each in train)
