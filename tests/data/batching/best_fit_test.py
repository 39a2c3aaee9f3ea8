"""Best-fit decreasing: the truth is the rule written out in Python, and that nothing overflows."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.data.batching.best_fit import best_fit


def by_the_rule(lengths: list[int], row_length: int) -> list[int]:
    room: list[int] = []
    rows = [0] * len(lengths)
    for index in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        fitting = [(free, row) for row, free in enumerate(room) if free >= lengths[index]]
        if not fitting:
            room.append(row_length)
        row = min(fitting)[1] if fitting else len(room) - 1
        room[row] -= lengths[index]
        rows[index] = row
    return rows


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_rule(seed: int):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 33, 70).tolist()
    found = tf.function(best_fit)(tf.constant(lengths), 32).numpy()
    assert found.tolist() == by_the_rule(lengths, 32)
    assert np.bincount(found, lengths).max() <= 32
    assert np.bincount(found).min() >= 1


def test_the_smallest_and_the_fullest():
    assert best_fit([7], 7).numpy().tolist() == [0]
    assert best_fit([4, 4, 4], 4).numpy().tolist() == [0, 1, 2]
    assert best_fit([1, 1, 1, 1], 4).numpy().tolist() == [0, 0, 0, 0]
