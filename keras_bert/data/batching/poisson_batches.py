"""Batches into which each row is drawn by itself, as the accounts of private training want it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.graph import as_written

_WINDOW = 4096


class PoissonBatches:
    """Draws batches from rows that are cut into tokens once, and kept.

    In each batch each row is with the same probability, whatever else is in it or was in others: batches have
    different sizes, a row may be in several of an epoch or in none, and a batch may have no row. Sorting by length, as
    other batches have it, would tell of the rows that share one; so a batch has its longest row's width.

    Args:
        rows: Dicts of tensors, as `keras_bert.data.read` gives them; of known number.
        features: As `keras_bert.data.batching.batches` takes it.
        pad: As there.
        batch_size: Rows of a batch on average.

    Example:
        >>> drawn = PoissonBatches(rows, model.features, model.preprocessor.pad, batch_size=100)  # doctest: +SKIP
        >>> drawn.epoch(lambda step: secret.seed("rows", 0, step))  # doctest: +SKIP

    References:
        Mironov et al. 2019, arXiv:1908.10530, section 3: the subsampling that accountants assume.
    """

    def __init__(
        self, rows: tf.data.Dataset, features: Callable[[Any], Any], pad: Callable[[Any], Any], batch_size: int
    ) -> None:
        parts = list(rows.ragged_batch(_WINDOW).map(as_written(features), num_parallel_calls=tf.data.AUTOTUNE))
        if not parts:
            raise InputError("there are no rows to draw batches from")
        self._features = tf.nest.map_structure(lambda *tensors: tf.concat(tensors, 0), *parts)
        self._pad = pad
        first = tf.nest.flatten(self._features)[0]
        self.rows = int(first.nrows() if isinstance(first, tf.RaggedTensor) else first.shape[0])
        if not 1 <= batch_size <= self.rows:
            raise InputError(f"batch_size {batch_size}: expected 1 to {self.rows}, the number of rows to draw from")
        self.rate = batch_size / self.rows
        self.steps = -(-self.rows // batch_size)

    def epoch(self, seed: Callable[[int], np.ndarray]) -> tf.data.Dataset:
        """Makes as many batches as an epoch of other batches has.

        Args:
            seed: From the number of a batch to two numbers, int64, which its rows follow from; asked when the batch is
                made, not before.

        Returns:
            What `features` returns, padded.
        """

        def seeds() -> Any:
            for step in range(self.steps):
                yield seed(step)

        def draw(seed: tf.Tensor) -> Any:
            is_drawn = tf.random.stateless_uniform([self.rows], seed) < self.rate
            chosen = tf.cast(tf.where(is_drawn)[:, 0], tf.int32)
            count = tf.size(chosen)
            # Of no row the width would be 0: the first row's, and then the row is left out.
            some = tf.concat([chosen, tf.zeros([1], tf.int32)], 0)[: tf.maximum(count, 1)]
            taken = tf.nest.map_structure(lambda tensor: tf.gather(tensor, some), self._features)
            padded = (self._pad(taken[0]), *taken[1:]) if isinstance(taken, tuple) else self._pad(taken)
            return tf.nest.map_structure(lambda tensor: tensor[:count], padded)

        spec = tf.TensorSpec([2], tf.int64)
        made = tf.data.Dataset.from_generator(seeds, output_signature=spec).map(as_written(draw))
        return made.apply(tf.data.experimental.assert_cardinality(self.steps)).prefetch(2)
