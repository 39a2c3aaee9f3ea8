"""Batches of windows whose tokens have labels."""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from keras_bert.data.batching.batches import batches
from keras_bert.graph import as_written
from keras_bert.tasks.tagging.tagged_rows import TaggedRows, ragged


def window_batches(
    windows: Mapping[str, tf.RaggedTensor], pad: Callable[..., Any], batch_size: int, **options: Any
) -> tf.data.Dataset:
    """Makes batches of windows, those of like length together.

    Args:
        windows: As `TaggedRows.all_windows` makes them.
        pad: Makes the model's inputs of ragged ones.
        batch_size: Windows a batch.
        **options: Those of `keras_bert.data.batches`.

    Returns:
        Dataset of `(inputs, targets, weights)`; targets int32 and weights float32 (batch, tokens).
    """

    def split(window: Mapping[str, Any]) -> tuple[Any, ...]:
        names = ("token_ids", "segment_ids")
        return {name: ragged(window[name]) for name in names}, ragged(window["target"]), ragged(window["weight"])

    def dense(inputs: Any, targets: Any, weights: Any) -> tuple[Any, ...]:
        shape = tf.shape(inputs["token_ids"])
        return inputs, targets.to_tensor(shape=shape), weights.to_tensor(shape=shape)

    plain = tf.data.Dataset.from_tensor_slices(dict(windows)).map(
        as_written(lambda window: {name: tf.convert_to_tensor(value) for name, value in window.items()})
    )
    return batches(plain, split, pad, batch_size, **options).map(as_written(dense))


class KeptWindows:
    """The windows of the rows that were asked for last, as every epoch asks for the same ones."""

    def __init__(self) -> None:
        self._rows: Any = None
        self._settings: Any = None
        self._windows: dict[str, tf.RaggedTensor] = {}

    def of(self, tagged: TaggedRows, rows: Any, settings: Mapping[str, Any]) -> dict[str, tf.RaggedTensor]:
        """Returns the windows of rows, made anew where rows or settings are others than last time.

        Args:
            tagged: Makes them.
            rows: As `TaggedRows.read` takes them.
            settings: What the windows follow from beside the rows.
        """
        if self._rows is not rows or self._settings != settings:
            self._windows = tagged.all_windows(tagged.read(rows))
            self._rows, self._settings = rows, dict(settings)
        return self._windows
