"""The truth: indexing by the mask in numpy."""

import keras
import numpy as np
import pytest

from keras_bert.layers.unpadding import remove_padding, restore_padding
from tests.layer_test_case import to_numpy

MASKS = [
    [[1, 1, 1], [1, 0, 0]],
    [[1, 0, 1], [1, 1, 0]],  # padding in the middle
    [[0, 0, 0], [1, 1, 1]],  # a row of padding
    [[1, 1, 2], [1, 2, 3]],  # rows of several examples
    [[0, 0], [0, 0]],
    np.zeros((0, 0), "int32"),
]


def kept_places(mask: np.ndarray) -> np.ndarray:
    kept = mask > 0
    kept[:, :1] = True
    return kept.reshape(-1)


@pytest.mark.parametrize("mask", MASKS)
def test_tokens_are_taken_out_and_go_back(mask: list[list[int]]):
    mask = np.array(mask, "int32")
    kept = kept_places(mask)
    hidden = np.random.default_rng(0).normal(size=(mask.size, 5)).astype("float32")
    flat = to_numpy(remove_padding(hidden, mask))
    np.testing.assert_array_equal(flat, hidden[kept])
    back = to_numpy(restore_padding(flat, mask))
    assert back.shape == hidden.shape
    np.testing.assert_array_equal(back[kept], hidden[kept])
    assert np.isin(back, flat).all()


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="takes the gradient with TensorFlow's tape")
@pytest.mark.parametrize("mask", MASKS[:4])
def test_the_gradients_are_dense(mask: list[list[int]]):
    import tensorflow as tf

    mask = np.array(mask, "int32")
    kept = kept_places(mask)
    rng = np.random.default_rng(0)
    places, rows = (rng.normal(size=(count, 5)).astype("float32") for count in (mask.size, kept.sum()))
    for function, inputs, upstream, expected in [
        (remove_padding, places, rows, np.where(kept[:, None], rows[np.cumsum(kept) - 1], 0)),
        # Nothing comes from the padding.
        (restore_padding, rows, places * kept[:, None], places[kept]),
    ]:
        inputs = tf.constant(inputs)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = function(inputs, tf.constant(mask))
        gradient = tape.gradient(outputs, inputs, output_gradients=tf.constant(upstream))
        assert isinstance(gradient, tf.Tensor)
        np.testing.assert_array_equal(to_numpy(gradient), expected)
