"""The truth: the dense tensors."""

import numpy as np
import tensorflow as tf

from keras_bert.training.adversary.gradients import weighted_sum


def rows(indices: list[int], value: float) -> tf.IndexedSlices:
    return tf.IndexedSlices(tf.fill([len(indices), 2], value), tf.constant(indices), tf.constant([4, 2]))


def test_dense_sparse_and_missing_gradients_are_added():
    one = [tf.constant([1.0, 2.0]), rows([0, 2], 1.0), None, None, tf.constant([3.0])]
    more = [tf.constant([10.0, 20.0]), rows([2, 3], 4.0), None, tf.constant(2.0), None]
    found = weighted_sum(one, more, 0.5, 0.25)
    assert found[0].numpy().tolist() == [3.0, 6.0]
    assert isinstance(found[1], tf.IndexedSlices)
    np.testing.assert_array_equal(tf.convert_to_tensor(found[1])[:, 0], [0.5, 0.0, 1.5, 1.0])
    assert found[2] is None
    assert float(found[3]) == 0.5
    assert float(found[4][0]) == 1.5
    mixed = weighted_sum([rows([1], 2.0)], [tf.ones((4, 2))], 1.0, 1.0)[0]
    np.testing.assert_array_equal(mixed[:, 1], [1.0, 3.0, 1.0, 1.0])
