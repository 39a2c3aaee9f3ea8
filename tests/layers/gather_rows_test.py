"""The truth: numpy's indexing; and on TensorFlow a graph of one gather."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_bert.layers.gather_rows import gather_rows
from tests.layer_test_case import BACKEND, to_numpy

MATRIX = np.arange(12, dtype="float32").reshape(4, 3)
ROWS = np.array([3, 0, 3, 1, 2], "int32")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_takes_rows(dtype):
    result = gather_rows(ops.cast(MATRIX, dtype), ops.convert_to_tensor(ROWS))
    assert keras.backend.standardize_dtype(result.dtype) == dtype
    np.testing.assert_array_equal(to_numpy(result), MATRIX[ROWS])


def test_symbolic():
    result = gather_rows(keras.KerasTensor((None, 3)), keras.KerasTensor((5,), "int32"))
    assert result.shape == (5, 3)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="takes gradients with TensorFlow's tape")
def test_the_gradient_counts_each_row_as_often_as_it_was_taken():
    import tensorflow as tf

    matrix = tf.constant(MATRIX)
    with tf.GradientTape() as tape:
        tape.watch(matrix)
        taken = gather_rows(matrix, tf.constant(ROWS))
        loss = tf.reduce_sum(taken * tf.constant([[1.0], [2.0], [4.0], [8.0], [16.0]]))
    gradient = tf.convert_to_tensor(tape.gradient(loss, matrix))
    np.testing.assert_array_equal(gradient, np.array([[2.0], [8.0], [16.0], [5.0]]).repeat(3, axis=1))


@pytest.mark.skipif(BACKEND != "tensorflow", reason="looks into a TensorFlow graph")
def test_nothing_but_a_gather():
    import tensorflow as tf

    signature = (tf.TensorSpec((None, 3)), tf.TensorSpec((None,), tf.int32))
    operations = tf.function(gather_rows).get_concrete_function(*signature).graph.get_operations()
    kinds = sorted(operation.type for operation in operations if operation.type not in ("Placeholder", "Identity"))
    assert kinds == ["Const", "GatherV2"]
