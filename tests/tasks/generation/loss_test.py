"""Against Keras' losses on one-hot targets, which smooth as Szegedy et al. do."""

import keras
import numpy as np
import pytest

from keras_bert.tasks.generation.loss import SmoothedCrossEntropy


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_it_is_the_loss_of_smoothed_targets(smoothing: float):
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(0, 3, (2, 3, 7)).astype("float32"), rng.integers(0, 7, (2, 3))
    weights = np.array([[1, 1, 0], [1, 0, 0]], "float32")
    peer = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing, reduction="none")
    expected = (peer(np.eye(7)[targets], logits).numpy() * weights).sum() / weights.sum()
    loss = SmoothedCrossEntropy(smoothing)
    np.testing.assert_allclose(loss(targets, logits, sample_weight=weights), expected, rtol=1e-5)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()


def test_a_share_of_all_is_refused():
    with pytest.raises(ValueError, match="label_smoothing must be from 0 to below 1"):
        SmoothedCrossEntropy(1.0)
