"""The truth: of a linear model, whose outputs move by w · shift."""

import numpy as np
import pytest

from keras_bert.training.adversary import Smart
from tests.training.adversary.linear_part import CLEAN, LENGTHS, MASK, Recorder, W, loss_of


def test_the_divergence_at_the_shift_is_added():
    recorder = Recorder()
    trained = Smart(weight=3.0, step_size=0.1, noise=1e-6).step(recorder.part)
    nothing, noise, shift = recorder.shifts
    assert nothing is None
    assert 0 < abs(noise).max() < 1e-5
    np.testing.assert_allclose([abs(each).max() for each in shift], 0.1, rtol=1e-3)
    assert not shift[MASK == 0].any()
    # Along w, whose largest number is 2: each token moves the output by 0.1 · ‖w‖² / 2.
    moved = 0.1 * 9 / 2 * LENGTHS
    assert float(trained.loss) == pytest.approx(loss_of(CLEAN) + 3.0 * np.mean(moved**2), rel=1e-3)
    np.testing.assert_allclose(trained.outputs, CLEAN, rtol=1e-6)
    assert recorder.numbers == [[4, 5, 6]] * 3


def test_the_gradient_is_that_of_both_terms():
    """Finite differences, with the shift held: it is no function of the weights."""
    recorder = Recorder()
    adversary = Smart(weight=3.0, step_size=0.1, noise=1e-6)
    trained = adversary.step(recorder.part)
    moved = (recorder.shifts[-1] * MASK[..., None]).sum(axis=1)

    def total(w: np.ndarray) -> float:
        clean = (recorder.part.inputs["x"].numpy() * MASK[..., None]).sum(axis=1).astype("float64") @ w
        return loss_of(clean) + 3.0 * np.mean(np.square(moved @ w))

    w = W.astype("float64")
    steps = 1e-5 * np.eye(3)
    expected = [8.0 * (total(w + step) - total(w - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(trained.gradients[0], expected, rtol=1e-4)
