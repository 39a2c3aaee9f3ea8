"""The truth: the step by hand; the mean of the loss at the words and at the end of the gradient."""

import numpy as np
import pytest

from keras_bert.training.adversary import Fgm
from tests.training.adversary.linear_part import CLEAN, LENGTHS, MASK, SIGN, Recorder, W, at_distance, loss_of


def test_the_shift_has_the_length_epsilon_and_none_of_it_is_at_padding():
    recorder = Recorder()
    trained = Fgm(epsilon=0.3).step(recorder.part)
    zero, shift = recorder.shifts
    assert not zero.any()
    np.testing.assert_allclose([np.linalg.norm(each) for each in shift], 0.3, rtol=1e-6)
    assert not shift[MASK == 0].any()
    expected = (SIGN * 0.3 / 3.0 / np.sqrt(LENGTHS))[:, None, None] * W * MASK[..., None]
    np.testing.assert_allclose(shift, expected, rtol=1e-5)
    np.testing.assert_allclose(trained.outputs, CLEAN, rtol=1e-6)
    assert float(trained.loss) == pytest.approx((loss_of(CLEAN) + loss_of(at_distance(0.3))) / 2, rel=1e-5)
    gradient = (recorder.gradient(zero) + recorder.gradient(shift)) / 2
    np.testing.assert_allclose(trained.gradients[0], gradient, rtol=1e-5)
    assert trained.gradients[1] is None


def test_epsilon_0_is_training_as_ever():
    recorder = Recorder()
    trained = Fgm(epsilon=0.0).step(recorder.part)
    assert float(trained.loss) == pytest.approx(loss_of(CLEAN), rel=1e-6)
    np.testing.assert_allclose(trained.gradients[0], recorder.gradient(np.float32(0)), rtol=1e-5)
