"""The truth: numpy's indexing."""

import numpy as np

from keras_bert.layers.gather_tokens import GatherTokens
from tests.layer_test_case import run_layer_test, to_numpy

HIDDEN = np.arange(24, dtype="float32").reshape(2, 3, 4)
POSITIONS = np.array([[2, 0, 2, 1], [1, 1, 0, 0]], "int32")


def test_the_layer(tmp_path):
    run_layer_test(GatherTokens, {}, [HIDDEN, POSITIONS], (8, 4), tmp_path)


def test_each_row_gives_its_own_tokens():
    expected = [HIDDEN[row, place] for row in range(2) for place in POSITIONS[row]]
    np.testing.assert_array_equal(to_numpy(GatherTokens()(HIDDEN, POSITIONS)), expected)


def test_shapes_of_any_batch():
    assert GatherTokens().compute_output_shape((None, None, 4), (None, None)) == (None, 4)
    assert GatherTokens().compute_output_shape((2, None, 4), (2, 3)) == (6, 4)
