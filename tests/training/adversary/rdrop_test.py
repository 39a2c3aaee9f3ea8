"""The truth: two passes by hand, whose masks are told by the numbers of the rows."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.training.adversary import RDrop
from tests.training.adversary.linear_part import CLEAN, Recorder, loss_of


def test_half_the_losses_and_half_the_divergences():
    recorder = Recorder(of_numbers=lambda numbers: 0.5 * tf.cast(numbers % 2, tf.float32))
    trained = RDrop(weight=4.0).step(recorder.part)
    assert recorder.numbers == [[8, 10, 12, 9, 11, 13]]
    expected = (loss_of(CLEAN) + loss_of(CLEAN + 0.5)) / 2 + 4.0 / 2 * 0.25
    assert float(trained.loss) == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(trained.outputs, CLEAN, rtol=1e-6)
    assert trained.gradients[0].shape == (3,)
