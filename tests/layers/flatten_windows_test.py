"""Rows of windows are those of numpy's reshape."""

import numpy as np

from keras_bert.layers.flatten_windows import FlattenWindows


def test_windows_become_rows_in_their_order():
    inputs = np.arange(24, dtype="int32").reshape(2, 3, 4)
    np.testing.assert_array_equal(FlattenWindows()(inputs), inputs.reshape(6, 4))
