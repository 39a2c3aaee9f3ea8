"""The global norm and the factor that clips it, against numpy."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.training.optimizers.clipping import clipping_factor, global_norm


@pytest.mark.parametrize("indices", [[1, 3, 1, 1, 0], [2], list(range(6)) * 3], ids=["few rows", "one", "many rows"])
def test_rows_of_one_index_are_added_up_before_they_are_squared(indices: list[int]):
    random = np.random.default_rng(0)
    rows, other = random.normal(size=(len(indices), 4)).astype("float32"), random.normal(size=3).astype("float32")
    table = np.zeros((6, 4))
    np.add.at(table, indices, rows)
    slices = tf.IndexedSlices(tf.constant(rows), tf.constant(indices), tf.constant([6, 4]))
    norm = global_norm([slices, tf.constant(other)], [tf.convert_to_tensor(slices), tf.constant(other)])
    assert float(norm) == pytest.approx(np.sqrt((table**2).sum() + (other**2).sum()), rel=1e-6)


def test_it_is_computed_in_float32_at_least():
    half, wide = tf.constant([256.0] * 4, tf.bfloat16), tf.constant([1e-9, 1.0], tf.float64)
    assert (global_norm([half], [half]).dtype, float(global_norm([half], [half]))) == (tf.float32, 512.0)
    assert global_norm([wide, tf.constant([1.0])], [wide, tf.constant([1.0])]).dtype == tf.float64


def test_the_factor():
    assert float(clipping_factor(tf.constant(0.5), 1.0)) == 1.0
    assert float(clipping_factor(tf.constant(4.0), 1.0)) == 0.25
    assert float(clipping_factor(tf.constant(0.0), 1.0)) == 1.0
    assert np.isnan(float(clipping_factor(tf.constant(np.inf), 1.0)))
