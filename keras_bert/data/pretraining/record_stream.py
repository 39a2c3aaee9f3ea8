"""Pre-training records in an order that is known from any place on, so that a run goes on late in an epoch at once."""

import os
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.data.pretraining.records import COMPRESSION, checked_shards, parse_record, record_features
from keras_bert.data.shards.epoch_order import EpochOrder
from keras_bert.graph import as_written


class RecordStream:
    """The examples of `keras-bert pretraining-data`, read some shards at a time.

    As `pretraining_records`, of which a task's `batches(..., shuffle=True)` shuffles a buffer that depends on all that
    was read before it: here the examples of some shards are mixed with each other, see `EpochOrder`.

    Args:
        folder: As for `pretraining_records`.
        tokenizer: As there.
        seed: The order of the examples where `rows_from` is asked for none.

    Raises:
        InputError: As `pretraining_records`.

    Example:
        >>> examples = RecordStream("data", model.tokenizer)  # doctest: +SKIP
        >>> model.fit(model.batches(examples, 32, shuffle=True, seed=1, begin=90_000))  # doctest: +SKIP
    """

    def __init__(self, folder: str | os.PathLike, tokenizer: Any, seed: int | None = None) -> None:
        manifest, self._paths = checked_shards(folder, tokenizer)
        self._counts = [shard["examples"] for shard in manifest.shards]
        self._features = record_features(manifest.settings)
        self._folder, self._tokenizer, self._seed = folder, tokenizer, seed

    @property
    def element_spec(self) -> dict[str, tf.TensorSpec]:
        """As that of a data set."""
        return self._parsed(tf.data.Dataset.from_tensors("")).element_spec

    def cardinality(self) -> int:
        """Returns the number of examples."""
        return sum(self._counts)

    def shuffled(self, seed: int) -> "RecordStream":
        """Returns the examples in the order of a seed."""
        return RecordStream(self._folder, self._tokenizer, seed)

    def rows_from(self, begin: int, seed: int | None) -> tf.data.Dataset:
        """Returns the examples of an epoch from one on.

        Args:
            begin: The first place, from 0.
            seed: Of the epoch; None: the stream's own order.
        """
        order = EpochOrder(self._counts, self._seed if seed is None else seed)
        first, inside = order.block_at(begin)
        left = max(order.rows - begin, 0)

        def look(block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            paths = [self._paths[shard].encode() for shard in order.shards_of(int(block))]
            return np.array(paths), order.order_of(int(block))

        def block_of(number: tf.Tensor) -> tf.Tensor:
            paths, places = tf.numpy_function(look, [number], [tf.string, tf.int64])
            chosen = tf.ensure_shape(places, [None])[tf.where(number == first, inside, 0) :]
            shards = tf.data.TFRecordDataset(tf.ensure_shape(paths, [None]), compression_type=COMPRESSION)
            return tf.gather(shards.batch(order.rows).get_single_element(), chosen)

        # One block is read while the examples of another are used.
        blocks = tf.data.Dataset.range(first, max(order.blocks, first)).map(as_written(block_of)).prefetch(1)
        return self._parsed(blocks.unbatch()).apply(tf.data.experimental.assert_cardinality(left))

    def _parsed(self, records: tf.data.Dataset) -> tf.data.Dataset:
        return records.map(
            as_written(lambda record: parse_record(record, self._features)),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
