"""The products of a task's blocks in 8 bits, with limits that rows of text show."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.encoder import unpadded
from keras_bert.errors import InputError
from keras_bert.layers.linear import Linear
from keras_bert.serving.formats.int8_product import Limits, check_int8_products, int8_product
from keras_bert.serving.request_rows import request_row

MOST_ROWS = 256
"""Rows that are used: the limits of 100 sentences are nearly those of all."""

_BATCH = 16


@contextlib.contextmanager
def int8_products(task: Any, rows: Iterable[Any] | None) -> Iterator[None]:
    """Has the products of a task's encoder computed in 8 bits, inside graphs that are made in this context.

    A first pass over `rows` in float32 finds the lowest and highest value that each product gets and each GELU gives.

    Args:
        task: A task that computes in float32.
        rows: Texts as `answer` takes them, like those to come; the first `MOST_ROWS` are used.

    Raises:
        InputError: There are no rows, one is not what the task takes, or this TensorFlow has no such products.
    """
    check_int8_products()
    highest, limits = _calibrate(task, rows)
    with contextlib.ExitStack() as stack:
        for block in task.encoder.blocks:
            fused = block.activation == "gelu"
            for layer in _layers(block):
                inputs = limits[id(block.intermediate)] if fused and layer is block.output_dense else highest[id(layer)]
                gelu = limits[id(layer)] if fused and layer is block.intermediate else None
                product = int8_product(layer.kernel.numpy(), layer.bias.numpy(), inputs, gelu)
                stack.enter_context(layer.computed_by(_with_activation(layer, product, fused)))
        yield


def _with_activation(layer: Linear, product: Any, fused: bool) -> Any:
    if layer.activation is None or fused:
        return product
    return lambda inputs: layer.activate(product(inputs))


def _layers(block: Any) -> tuple[Linear, ...]:
    return block.attention.qkv, block.attention.output_dense, block.intermediate, block.output_dense


def _calibrate(task: Any, rows: Iterable[Any] | None) -> tuple[Mapping[int, np.ndarray], Mapping[int, Limits]]:
    """Returns the highest absolute value of each input, and the limits of the outputs, by the `id` of a layer."""
    signature = task.signatures()["serving_default"]
    given = zip(range(MOST_ROWS), () if rows is None else rows, strict=False)
    texts = [request_row(row, signature.inputs, f"calibration row {number}") for number, row in given]
    if not texts:
        raise InputError("dtype='int8' of a SavedModel needs rows to find the limits of its numbers by: calibration=")
    recorders = {layer: _Recorder(layer) for block in task.encoder.blocks for layer in _layers(block)}
    with contextlib.ExitStack() as stack:
        stack.enter_context(unpadded(task.encoder, True))
        for layer, recorder in recorders.items():
            stack.enter_context(layer.computed_by(recorder))
        for request in _requests(texts):
            signature.function(**request)
    highest = {id(layer): recorder.highest.numpy() for layer, recorder in recorders.items()}
    return highest, {id(layer): Limits(*map(float, recorder.ends.numpy())) for layer, recorder in recorders.items()}


def _requests(texts: list[dict[str, Any]]) -> Iterator[dict[str, tf.Tensor]]:
    """Batches texts; rows with lists, whose lengths may differ, go one by one."""
    size = _BATCH if all(isinstance(value, bytes) for row in texts for value in row.values()) else 1
    for begin in range(0, len(texts), size):
        rows = texts[begin : begin + size]
        yield {name: tf.constant([row[name] for row in rows]) for name in rows[0]}


class _Recorder:
    """Stands in for a layer, computes what it does, and keeps how large its inputs and outputs are."""

    def __init__(self, layer: Linear) -> None:
        self._layer = layer
        # Variables, since the layer may run inside a graph.
        self.highest = tf.Variable(tf.zeros([layer.kernel.shape[0]]), trainable=False)
        self.ends = tf.Variable([np.inf, -np.inf], trainable=False)

    def __call__(self, inputs: Any) -> Any:
        outputs = self._layer.compute(inputs)
        self.highest.assign(tf.maximum(self.highest, tf.reduce_max(tf.abs(inputs), axis=0)))
        ends = tf.minimum(self.ends[0], tf.reduce_min(outputs)), tf.maximum(self.ends[1], tf.reduce_max(outputs))
        self.ends.assign(tf.stack(ends))
        return outputs
