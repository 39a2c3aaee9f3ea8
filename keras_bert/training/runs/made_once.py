"""Batches of an epoch that are counted before they are trained on, and made once all the same."""

from collections.abc import Callable

import tensorflow as tf

from keras_bert.training.runs.phase import batches_from


class MadeOnce:
    """Makes the batches of an epoch once, also where they are counted before they are trained on.

    They are not kept after that: a data set that is shuffled comes in another order the second time.

    Args:
        make: From the number of an epoch to its batches.

    Example:
        >>> batches = MadeOnce(lambda epoch: tf.data.Dataset.range(10).batch(5))
        >>> batches.count(0), len(batches(0))
        (2, 2)
    """

    def __init__(self, make: Callable[[int], tf.data.Dataset]) -> None:
        self._make = make
        self._made: dict[int, tf.data.Dataset] = {}

    def __call__(self, epoch: int, begin: int = 0) -> tf.data.Dataset:
        """Returns the batches of an epoch, from one on."""
        made = self._made.pop(epoch, None)
        return batches_from(self._make, epoch, begin) if made is None or begin else made

    def count(self, epoch: int) -> int:
        """Returns how many batches an epoch has."""
        if epoch not in self._made:
            self._made = {epoch: self._make(epoch)}
        return int(self._made[epoch].cardinality())
