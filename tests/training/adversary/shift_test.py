"""The truth: numpy, example by example."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.training.adversary.shift import direction, largest, normal, norms, uniform, within

SHIFT = np.random.default_rng(0).normal(size=(3, 2, 4, 5)).astype("float32")


def test_norms_are_those_of_each_example():
    expected = [np.linalg.norm(each) for each in SHIFT]
    np.testing.assert_allclose(norms(tf.constant(SHIFT)).numpy().ravel(), expected, rtol=1e-6)
    np.testing.assert_array_equal(largest(tf.constant(SHIFT)).numpy().ravel(), abs(SHIFT).reshape(3, -1).max(axis=1))


@pytest.mark.parametrize("scale", [1.0, 1e-25, 1e25])
def test_a_direction_has_the_norm_1_at_any_size(scale: float):
    """Squares of 1e-25 and of 1e25 are no float32."""
    found = direction(tf.constant(SHIFT * np.float32(scale))).numpy()
    np.testing.assert_allclose([np.linalg.norm(each) for each in found], 1.0, rtol=1e-6)
    np.testing.assert_allclose(found[0], SHIFT[0] / np.linalg.norm(SHIFT[0]), rtol=1e-5)


def test_no_gradient_has_no_direction_and_a_nan_stays():
    gradient = np.zeros((2, 3, 4), "float32")
    gradient[1, 0, 0] = np.nan
    found = direction(tf.constant(gradient)).numpy()
    assert not found[0].any()
    assert np.isnan(found[1, 0, 0])


def test_a_shift_is_taken_back_to_the_ball_if_it_is_outside():
    size = np.array([np.linalg.norm(each) for each in SHIFT])
    radius = float(np.sort(size)[1]) + 0.01
    found = within(tf.constant(SHIFT), radius).numpy()
    for each, before, length in zip(found, SHIFT, size, strict=True):
        if length > radius:
            np.testing.assert_allclose(each, before * radius / length, rtol=1e-6)
        else:
            np.testing.assert_array_equal(each, before)
    assert within(SHIFT, None) is SHIFT
    assert not within(tf.constant(SHIFT), 0.0).numpy().any()


@pytest.mark.parametrize("draw", [uniform, normal])
def test_what_is_drawn_follows_from_the_number_of_an_example(draw):
    numbers, shape = tf.constant([7, 9, 2**40], tf.int64), [3, 100, 30]
    found = draw(numbers, tf.constant(shape), seed=1).numpy()
    again = draw(tf.constant([2**40, 7], tf.int64), tf.constant([2, 100, 30]), seed=1).numpy()
    np.testing.assert_array_equal(again, found[[2, 0]])
    assert abs(draw(numbers, tf.constant(shape), seed=2).numpy() - found).max() > 0.1
    assert abs(found[0] - found[1]).max() > 0.1
    assert abs(found.mean()) < 0.05
    assert found.std() == pytest.approx(1.0 if draw is normal else 1 / np.sqrt(3), rel=0.02)
    assert draw(numbers[:0], tf.constant([0, 2, 3]), seed=1).shape == (0, 2, 3)
