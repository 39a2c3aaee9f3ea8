"""From a model's outputs to the number that is explained, in the graph."""

from typing import Any

import tensorflow as tf

from keras_bert.trust.explain.reading import PLACES


def read_out(kind: str, outputs: Any, rows: Any, places: Any, weights: Any) -> tf.Tensor:
    """Reads the explained number out of the outputs of many versions of a text.

    Args:
        kind: See `Readout`.
        outputs: float32 (versions · rows, ...), what the model gives.
        rows: int32 scalar, rows of a version.
        places: int32 (numbers, rank), see `Readout`.
        weights: float32 (numbers,).

    Returns:
        float32 (versions,).
    """
    outputs = tf.reshape(outputs, tf.concat([[-1, rows], tf.shape(outputs)[1:]], 0))
    if kind == PLACES:
        at = tf.tile(places[None], [tf.shape(outputs)[0], 1, 1])
        return tf.linalg.matvec(tf.gather_nd(outputs, at, batch_dims=1), weights)
    first, second = outputs[:, 0], outputs[:, 1]
    if kind == "cosine":
        # As a sum under the root, whose gradient is there for zeros, too.
        first, second = (vectors * tf.math.rsqrt(_squares(vectors) + 1e-24)[:, None] for vectors in (first, second))
    if kind == "euclidean":
        return -tf.sqrt(_squares(first - second) + 1e-24)
    if kind == "manhattan":
        return -tf.reduce_sum(tf.abs(first - second), -1)
    return tf.reduce_sum(first * second, -1)


def _squares(vectors: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.square(vectors), -1)
