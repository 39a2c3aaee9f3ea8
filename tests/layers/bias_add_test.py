"""The truth: numpy's addition; and on TensorFlow the kernel that fuses with a product."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_bert.layers.bias_add import bias_add
from tests.layer_test_case import BACKEND, to_numpy


@pytest.mark.parametrize("shape", [(2, 5), (2, 3, 5), (2, 3, 4, 5)])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_adds_to_the_last_axis(shape, dtype):
    # Small integers: exact in every dtype.
    inputs = np.arange(np.prod(shape)).reshape(shape)
    bias = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    result = bias_add(ops.cast(inputs, dtype), ops.cast(bias, dtype))
    assert keras.backend.standardize_dtype(result.dtype) == dtype
    np.testing.assert_array_equal(to_numpy(result), inputs + bias)


def test_symbolic():
    result = bias_add(keras.KerasTensor((None, 5)), keras.KerasTensor((5,)))
    assert result.shape == (None, 5)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="the kernel is TensorFlow's")
def test_the_kernel_is_the_one_that_fuses():
    import tensorflow as tf

    traced = tf.function(bias_add).get_concrete_function(tf.TensorSpec((None, 5)), tf.TensorSpec((5,)))
    kinds = {operation.type for operation in traced.graph.get_operations()}
    assert "BiasAdd" in kinds
    assert not kinds & {"AddV2", "Add"}
