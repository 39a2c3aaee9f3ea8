"""The truth: where the gradient has one direction everywhere, so many steps, or the edge of the ball."""

import numpy as np
import pytest

from keras_bert.training.adversary import Pgd
from tests.training.adversary.linear_part import CLEAN, Recorder, at_distance, loss_of


@pytest.mark.parametrize(("steps", "reached"), [(1, 0.2), (2, 0.4), (3, 0.5)])
def test_so_many_steps_up_within_the_ball(steps: int, reached: float):
    recorder = Recorder()
    trained = Pgd(epsilon=0.5, step_size=0.2, steps=steps).step(recorder.part)
    assert len(recorder.shifts) == steps + 1
    np.testing.assert_allclose([np.linalg.norm(each) for each in recorder.shifts[-1]], reached, rtol=1e-5)
    assert float(trained.loss) == pytest.approx((loss_of(CLEAN) + loss_of(at_distance(reached))) / 2, rel=1e-5)
    gradient = (recorder.gradient(recorder.shifts[0]) + recorder.gradient(recorder.shifts[-1])) / 2
    np.testing.assert_allclose(trained.gradients[0], gradient, rtol=1e-5)
