"""The truth: the mean over the shifts of the way, by hand."""

import numpy as np
import pytest

from keras_bert.training.adversary import FreeLb
from tests.training.adversary.linear_part import LENGTHS, MASK, Recorder, at_distance, loss_of


def test_the_way_from_the_words():
    recorder = Recorder()
    trained = FreeLb(epsilon=0.15, step_size=0.1, steps=3, init=0.0).step(recorder.part)
    distances = [0.0, 0.1, 0.15]
    assert float(trained.loss) == pytest.approx(np.mean([loss_of(at_distance(each)) for each in distances]), rel=1e-5)
    gradient = np.mean([recorder.gradient(shift) for shift in recorder.shifts], axis=0)
    np.testing.assert_allclose(trained.gradients[0], gradient, rtol=1e-5)
    assert trained.gradients[1] is None


def test_the_random_beginning():
    """Uniform numbers of at most init / √(tokens · size), none at padding, others for other rows."""
    recorder = Recorder()
    FreeLb(init=0.6, seed=3).step(recorder.part)
    first, second = recorder.shifts
    bound = 0.6 / np.sqrt(LENGTHS * 3)
    assert (abs(first) <= bound[:, None, None]).all()
    assert (abs(first).reshape(3, -1).max(axis=1) > 0.5 * bound).all()
    assert not first[MASK == 0].any()
    assert abs(first[0] - first[2]).max() > 0.01
    np.testing.assert_allclose([np.linalg.norm(each) for each in second - first], 0.1, rtol=1e-5)


def test_all_passes_have_one_dropout_mask():
    recorder = Recorder()
    FreeLb(steps=3).step(recorder.part)
    assert recorder.numbers == [[4, 5, 6]] * 3
