"""The truth: numpy's reshape."""

import numpy as np

from keras_bert.layers.tokens import FlattenTokens, UnflattenTokens
from tests.layer_test_case import check_config, check_policies, check_saving, run_layer_test, to_numpy

HIDDEN = np.arange(24, dtype="float32").reshape(2, 3, 4)
PADDING_MASK = np.ones((2, 3), "int32")


def test_the_flattening_layer(tmp_path):
    """Without padding the number of rows follows from the values: not for XLA, so not all of `run_layer_test`."""
    check_config(FlattenTokens, {"unpad": True})
    layer = FlattenTokens(unpad=True)
    outputs = [to_numpy(layer(HIDDEN, PADDING_MASK))]
    assert outputs[0].shape == (6, 4)
    check_saving(layer, [HIDDEN, PADDING_MASK], outputs, tmp_path)
    check_policies(layer, [HIDDEN, PADDING_MASK], outputs)


def test_the_unflattening_layer(tmp_path):
    run_layer_test(UnflattenTokens, {"unpad": True}, [HIDDEN.reshape(6, 4), PADDING_MASK], (2, 3, 4), tmp_path)


def test_rows_follow_each_other_and_come_back():
    flat = FlattenTokens()(HIDDEN)
    np.testing.assert_array_equal(to_numpy(flat), HIDDEN.reshape(6, 4))
    np.testing.assert_array_equal(to_numpy(UnflattenTokens()(flat, PADDING_MASK)), HIDDEN)


def test_without_padding():
    mask = np.array([[1, 1, 0], [1, 0, 1]], "int32")
    layer = FlattenTokens.from_config(FlattenTokens(unpad=True).get_config())
    flat = layer(HIDDEN, mask)
    np.testing.assert_array_equal(to_numpy(flat), HIDDEN[mask == 1])
    back = to_numpy(UnflattenTokens(unpad=True)(flat, mask))
    np.testing.assert_array_equal(back, HIDDEN * mask[:, :, None])


def test_shapes_of_any_batch_and_length():
    assert FlattenTokens().compute_output_shape((None, None, 4)) == (None, 4)
    assert FlattenTokens().compute_output_shape((2, None, 4)) == (None, 4)
    assert FlattenTokens(unpad=True).compute_output_shape((2, 3, 4), (2, 3)) == (None, 4)
    assert UnflattenTokens().compute_output_shape((None, 4), (None, None)) == (None, None, 4)
