"""Taking rows of a matrix, without the checks that each backend's `take` makes."""

from typing import Any

import keras

if keras.config.backend() == "tensorflow":
    import tensorflow as tf


def gather_rows(matrix: Any, rows: Any) -> Any:
    """Takes rows of a matrix by numbers that are known to be in it.

    `keras.ops.take` allows negative numbers, which TensorFlow pays for with five more operations; in the graph of a
    short text these are a tenth of all.

    Args:
        matrix: float (count, size).
        rows: int32 (taken,), from 0 to count - 1.

    Returns:
        float (taken, size).

    Example:
        >>> gather_rows(keras.ops.array([[1.0], [2.0], [3.0]]), keras.ops.array([2, 0])).numpy()[:, 0].tolist()
        [3.0, 1.0]
    """
    if keras.config.backend() == "tensorflow" and not isinstance(matrix, keras.KerasTensor):
        return tf.gather(matrix, rows)
    return keras.ops.take(matrix, rows, axis=0)
