"""The hidden states of markers, against indexing in numpy."""

from pathlib import Path

import numpy as np
import pytest

from keras_bert.layers.marker_pooling import MarkerPooling
from tests.layer_test_case import run_layer_test, to_numpy

HIDDEN = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")
IDS = np.array([[2, 8, 7, 3, 0], [2, 7, 8, 7, 8], [2, 8, 3, 0, 0], [2, 3, 0, 0, 0]], "int32")
# Places of 7 and of 8: the first of several, and the first token where there is none.
PLACES = np.array([[2, 1], [1, 2], [0, 1], [0, 0]])


def test_it_is_a_layer(tmp_path: Path):
    run_layer_test(MarkerPooling, {"token_ids": [7, 8]}, (HIDDEN, IDS), (4, 6), tmp_path)


def test_it_takes_the_states_where_the_markers_stand():
    expected = np.stack([row[places].reshape(-1) for row, places in zip(HIDDEN, PLACES, strict=True)])
    np.testing.assert_array_equal(to_numpy(MarkerPooling([7, 8])(HIDDEN, IDS)), expected)


def test_no_markers_are_refused():
    with pytest.raises(ValueError, match="at least one token"):
        MarkerPooling([])
