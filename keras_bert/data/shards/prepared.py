"""Examples that `keras-bert prepare` wrote, and the batches of an epoch of them, from any batch on."""

import functools
import os
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.data.batching.batch_size import check_batch_size
from keras_bert.data.shards.columns import Column, columns_from, examples_from, joined
from keras_bert.data.shards.epoch_order import EpochOrder
from keras_bert.data.shards.manifest import MANIFEST, PREPARED, check_vocabulary_fits, read_manifest
from keras_bert.data.shards.shard_file import open_shard_file
from keras_bert.data.shards.window_plan import plan_window, share_of
from keras_bert.errors import InputError
from keras_bert.graph import as_written

WINDOW_BATCHES = 64
_OPEN_SHARDS = 64
_LENGTHS = "0/token_ids"


class PreparedExamples:
    """Examples in shards: ids, targets, weights, ready to be padded; a few shards are looked at at a time.

    A task's `batches` takes them in place of rows. The batches of an epoch are the same whoever reads them: of several
    workers each reads its own rows of every batch, and no others.

    Args:
        folder: Of `keras-bert prepare`, or its `held_out`; local, or wherever TensorFlow can read.
        part: The number of this worker, from 0: it reads its own part of the rows of every batch, and the batches that
            it makes hold that alone.
        parts: How many workers there are.

    Attributes:
        folder: The folder.
        part: As above.
        parts: As above.
        manifest: What `manifest.json` says.
        examples_read: How many examples this process has read so far.

    Raises:
        InputError: No manifest, a shard that is missing or not as it was written.

    Example:
        >>> train = PreparedExamples("prepared")  # doctest: +SKIP
        >>> model.fit(model.batches(train, batch_size=32, shuffle=True))  # doctest: +SKIP
    """

    def __init__(self, folder: str | os.PathLike, part: int = 0, parts: int = 1) -> None:
        if not 0 <= part < parts:
            raise InputError(f"part {part} of {parts}: expected 0 to {parts - 1}")
        self.part, self.parts = part, parts
        self.folder = os.fspath(folder).rstrip("/")
        self.manifest = read_manifest(self.folder, PREPARED)
        self.examples_read = 0
        self._lock = threading.Lock()
        self._paths = [f"{self.folder}/{shard['name']}" for shard in self.manifest.shards]
        for path, shard in zip(self._paths, self.manifest.shards, strict=True):
            try:
                size = tf.io.gfile.stat(path).length
            except tf.errors.OpError:
                raise InputError(f"{path}: missing, and {MANIFEST} names it; prepare or copy the data again") from None
            if size != shard["bytes"]:
                raise InputError(
                    f"{path}: has {size} bytes, {MANIFEST} says {shard['bytes']}; prepare or copy the data again"
                )
        self._counts = [shard["examples"] for shard in self.manifest.shards]
        self._columns = functools.lru_cache(_OPEN_SHARDS)(self._open)
        self._spec = self.manifest.settings["examples"]

    def of_part(self, part: int, parts: int) -> "PreparedExamples":
        """Returns the same examples for one of several workers, see `part`."""
        return self if (part, parts) == (self.part, self.parts) else PreparedExamples(self.folder, part, parts)

    def cardinality(self) -> int:
        """Returns the number of examples."""
        return sum(self._counts)

    @property
    def rows(self) -> int:
        """The number of rows that the examples were made of."""
        return int(self.manifest.counts["rows"])

    @property
    def fingerprint(self) -> str:
        """A short text that tells these examples from others; it is that of the manifest, which names every shard."""
        with tf.io.gfile.GFile(f"{self.folder}/{MANIFEST}", "rb") as file:
            return f"{self.cardinality()} examples, {zlib.crc32(file.read()):08x}"

    def check_fits(self, tokenizer: Any, settings: dict[str, Any]) -> None:
        """Checks that the examples are what a task would make of the rows.

        Args:
            tokenizer: The task's.
            settings: The task's `example_settings`.

        Raises:
            InputError: Names what differs.
        """
        check_vocabulary_fits(self.manifest, tokenizer, self.folder)
        made = self.manifest.settings["task"]
        for name in dict.fromkeys((*made, *settings)):
            if made.get(name) != settings.get(name):
                raise InputError(
                    f"{self.folder}: prepared with {name}={made.get(name)!r:.200}, the model has "
                    f"{name}={settings.get(name)!r:.200}; prepare the rows again, or train with the settings of then"
                )

    def batches(
        self,
        finish: Callable[[Any], Any],
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        sort: bool = True,
        drop_remainder: bool = False,
        begin: int = 0,
    ) -> tf.data.Dataset:
        """Makes the batches of an epoch.

        Args:
            finish: From the examples of one batch, ragged as they were prepared, to padded tensors.
            batch_size: Examples a batch; the last one may be smaller.
            shuffle: Examples and batches in random order; see `EpochOrder`.
            seed: The same seed gives the same batches.
            sort: Examples of like length together.
            drop_remainder: Leave out the examples that do not fill a batch.
            begin: The first batch to make; those before it are not read.

        Returns:
            What `finish` gives, of known cardinality. With several parts its options tell `tf.distribute` not to divide
            it, see `keras_bert.training.own_batches`.
        """
        batch_size = check_batch_size(batch_size)
        if begin < 0:
            raise InputError(f"begin {begin}: expected 0 or more")
        count = self.cardinality()
        total = count // batch_size if drop_remainder else -(-count // batch_size)
        order = EpochOrder(self._counts, seed if shuffle else None)
        window, skipped = divmod(begin, WINDOW_BATCHES)
        windows = -(-count // (WINDOW_BATCHES * batch_size))
        plan = functools.partial(plan_window, batch_size=batch_size, sort=sort, drop_remainder=drop_remainder)

        def read(number: np.ndarray) -> list[np.ndarray]:
            first = int(number) * WINDOW_BATCHES * batch_size
            # The order keeps a block: windows are asked for by several threads.
            with self._lock:
                shards, rows = order.places(first, first + WINDOW_BATCHES * batch_size)
                lengths = self._lengths(shards, rows)
            cut = plan(lengths, seed=(seed % 2**64, int(number)) if shuffle else None)
            if int(number) == window:
                cut = cut[skipped:]
            own = [share_of(batch, self.part, self.parts) for batch in cut]
            chosen = np.concatenate([*own, np.empty(0, np.int64)]).astype(np.int64)
            ends = np.cumsum([0, *(len(batch) for batch in own)], dtype=np.int64)
            bounds = np.stack([ends[:-1], ends[1:]], axis=1)
            return [bounds, *self._arrays(self._take(shards[chosen], rows[chosen]))]

        names, types = self._names_and_types()

        def window_of(number: tf.Tensor) -> tuple[tf.Tensor, Any]:
            bounds, *arrays = tf.numpy_function(read, [number], [tf.int64, *types])
            return tf.ensure_shape(bounds, [None, 2]), self._rebuilt(dict(zip(names, arrays, strict=True)))

        def cut_window(bounds: tf.Tensor, examples: Any) -> tf.data.Dataset:
            def batch(bound: tf.Tensor) -> Any:
                return finish(tf.nest.map_structure(lambda tensor: tensor[bound[0] : bound[1]], examples))

            return tf.data.Dataset.from_tensor_slices(bounds).map(as_written(batch))

        numbers = tf.data.Dataset.range(window, max(windows, window))
        made = numbers.map(as_written(window_of), num_parallel_calls=1).prefetch(1).flat_map(as_written(cut_window))
        left = max(total - begin, 0)
        made = made.apply(tf.data.experimental.assert_cardinality(left))
        if self.parts > 1:
            options = tf.data.Options()
            options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
            made = made.with_options(options)
        return made.prefetch(tf.data.AUTOTUNE)

    # -- arrays ------------------------------------------------------------------------------------------

    def _open(self, shard: int) -> dict[str, Column]:
        return columns_from(open_shard_file(self._paths[shard]))

    def _lengths(self, shards: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns the tokens of examples, without reading these."""
        lengths = np.empty(len(rows), np.int64)
        for shard in np.unique(shards):
            inside = shards == shard
            lengths[inside] = self._columns(int(shard))[_LENGTHS].lengths[0][rows[inside]]
        return lengths

    def _take(self, shards: np.ndarray, rows: np.ndarray) -> dict[str, Column]:
        """Reads examples, in the order asked for."""
        self.examples_read += len(rows)
        by_shard = np.argsort(shards, kind="stable")
        parts = []
        for shard in np.unique(shards):
            chosen = rows[by_shard][shards[by_shard] == shard]
            parts.append({path: column.take(chosen) for path, column in self._columns(int(shard)).items()})
        if not parts:
            parts = [{path: column.take(rows) for path, column in self._columns(0).items()}]
        back = np.empty(len(rows), np.int64)
        back[by_shard] = np.arange(len(rows))
        return {path: column.take(back) for path, column in joined(parts).items()}

    def _names_and_types(self) -> tuple[list[str], list[tf.DType]]:
        names, types = [], []
        for path, spec in self._spec.items():
            names += [path, *(f"{path}#{level}" for level in range(spec["ragged"]))]
            types += [tf.as_dtype(spec["dtype"]), *[tf.int64] * spec["ragged"]]
        return names, types

    def _arrays(self, columns: dict[str, Column]) -> Iterator[np.ndarray]:
        for path, spec in self._spec.items():
            column = columns[path]
            yield column.values.astype(tf.as_dtype(spec["dtype"]).as_numpy_dtype, copy=False)
            yield from (lengths.astype(np.int64, copy=False) for lengths in column.lengths)

    def _rebuilt(self, arrays: dict[str, tf.Tensor]) -> Any:
        tensors = {}
        for path, spec in self._spec.items():
            values = tf.ensure_shape(arrays[path], [None, *spec["shape"]])
            levels = [tf.ensure_shape(arrays[f"{path}#{level}"], [None]) for level in range(spec["ragged"])]
            tensors[path] = (
                tf.RaggedTensor.from_nested_row_lengths(values, levels, validate=False) if levels else values
            )
        return examples_from(tensors)
