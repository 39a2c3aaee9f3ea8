"""The truth: numpy, and what the normal distribution allows."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.training.privacy.clipping import clip_factors, noised_mean

SEED = tf.constant([3, 4], tf.int64)


def test_nothing_is_longer_than_the_clip():
    squares = np.square(np.array([0.0, 0.05, 0.1, 0.2, 40.0], "float32"))
    factors = clip_factors(tf.constant(squares), 0.1).numpy()
    np.testing.assert_allclose(factors * np.sqrt(squares), [0.0, 0.05, 0.1, 0.1, 0.1], rtol=1e-5)
    assert (clip_factors(tf.constant(squares), float("inf")).numpy() == 1).all()


def test_noise_has_the_deviation_that_it_is_to_have():
    """10⁵ draws: the deviation of a sample's deviation is σ / √(2 n)."""
    shape = tf.Variable(tf.zeros((1000, 100)))
    (found,) = noised_mean([None], [shape], noise=0.3, batch_size=5, seed=SEED)
    assert found.numpy().std() == pytest.approx(0.3 / 5, rel=4 / np.sqrt(2e5))
    assert abs(found.numpy().mean()) < 4 * 0.3 / 5 / np.sqrt(1e5)


def test_noise_is_there_once_however_many_replicas_add_up():
    variables = [tf.Variable(tf.zeros((30, 4))), tf.Variable(tf.zeros((30, 4)))]
    sums = [tf.ones((30, 4)), tf.IndexedSlices(tf.ones((1, 4)), tf.constant([7]), tf.constant([30, 4]))]
    one = noised_mean(sums, variables, 0.3, 5, SEED)
    parts = [noised_mean([part, None], variables, 0.3, 5, SEED, replicas=2) for part in (sums[0], None)]
    np.testing.assert_allclose(parts[0][0] + parts[1][0], one[0], rtol=1e-5)
    assert abs(one[0] - 0.2 - (one[1] - tf.convert_to_tensor(sums[1]) / 5)).numpy().max() > 0.01  # of its own each
    other = noised_mean(sums, variables, 0.3, 5, SEED + 1)
    assert abs(other[0] - one[0]).numpy().max() > 0.01


def test_without_noise_it_is_the_mean():
    (found,) = noised_mean([tf.fill([2], 6.0)], [tf.Variable([0.0, 0.0])], 0.0, 4, SEED)
    assert found.numpy().tolist() == [1.5, 1.5]
