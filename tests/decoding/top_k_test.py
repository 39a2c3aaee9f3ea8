"""The same values and places as `tf.math.top_k`, ties included."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.decoding import top_k


@pytest.mark.parametrize(("entries", "k"), [(1000, 3), (1000, 10), (999, 4), (70, 64), (64 * 40, 8)])
@pytest.mark.parametrize("levels", [4, 10**6])
def test_it_is_the_top_k_of_tensorflow(entries: int, k: int, levels: int):
    """With four levels nearly every value is a tie."""
    values = np.random.default_rng(entries + k).integers(0, levels, (7, entries)).astype("float32")
    values[3] = -np.inf
    found, expected = top_k(tf.constant(values), k), tf.math.top_k(values, k)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])


def test_the_number_of_entries_may_be_unknown():
    values = np.random.default_rng(0).normal(size=(2, 5000)).astype("float32")
    traced = tf.function(lambda rows: top_k(rows, 5), input_signature=[tf.TensorSpec([None, None])])
    np.testing.assert_array_equal(traced(values)[1], tf.math.top_k(values, 5)[1])
