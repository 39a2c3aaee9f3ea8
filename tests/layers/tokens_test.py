"""The truth: numpy's reshape."""

import numpy as np

from keras_bert.layers.tokens import FlattenTokens, UnflattenTokens
from tests.layer_test_case import run_layer_test, to_numpy

HIDDEN = np.arange(24, dtype="float32").reshape(2, 3, 4)
TOKEN_IDS = np.zeros((2, 3), "int32")


def test_the_flattening_layer(tmp_path):
    run_layer_test(FlattenTokens, {}, [HIDDEN], (6, 4), tmp_path)


def test_the_unflattening_layer(tmp_path):
    run_layer_test(UnflattenTokens, {}, [HIDDEN.reshape(6, 4), TOKEN_IDS], (2, 3, 4), tmp_path)


def test_rows_follow_each_other_and_come_back():
    flat = FlattenTokens()(HIDDEN)
    np.testing.assert_array_equal(to_numpy(flat), HIDDEN.reshape(6, 4))
    np.testing.assert_array_equal(to_numpy(UnflattenTokens()(flat, TOKEN_IDS)), HIDDEN)


def test_shapes_of_any_batch_and_length():
    assert FlattenTokens().compute_output_shape((None, None, 4)) == (None, 4)
    assert FlattenTokens().compute_output_shape((2, None, 4)) == (None, 4)
    assert UnflattenTokens().compute_output_shape((None, 4), (None, None)) == (None, None, 4)
