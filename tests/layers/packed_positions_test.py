"""The truth: positions counted one token at a time."""

import numpy as np

from keras_bert.layers.packed_positions import packed_positions
from tests.layer_test_case import to_numpy


def test_positions_begin_at_0_in_each_example():
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(20):
        lengths = rng.integers(1, 9, rng.integers(1, 6))
        row = np.repeat(np.arange(1, len(lengths) + 1), lengths)
        rows.append(np.pad(row, (0, 40 - len(row))))
    examples = np.array(rows, "int32")
    found = to_numpy(packed_positions(examples))
    assert found.dtype == np.int32
    for row, positions in zip(examples, found, strict=True):
        for place, number in enumerate(row):
            is_first = number == 0 or place == 0 or row[place - 1] != number
            assert positions[place] == (0 if is_first else positions[place - 1] + 1)
