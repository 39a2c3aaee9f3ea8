"""The cosine loss against numpy."""

import keras
import numpy as np
import pytest

from keras_bert.tasks.embedding.cosine_loss import CosineLoss


def test_it_is_the_squared_difference_to_the_cosine():
    flat = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")
    targets = np.array([[0.0], [0.4], [1.0]], "float32")
    first, second = flat[::2], flat[1::2]
    cosines = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    np.testing.assert_allclose(CosineLoss().call(targets, flat), (cosines - targets[:, 0]) ** 2, rtol=1e-4)
    assert float(CosineLoss()(targets, flat)) == pytest.approx(((cosines - targets[:, 0]) ** 2).mean(), rel=1e-4)


def test_it_comes_back_from_its_config():
    assert type(keras.losses.deserialize(keras.losses.serialize(CosineLoss()))) is CosineLoss
