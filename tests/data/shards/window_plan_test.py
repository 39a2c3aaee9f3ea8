"""The batches of a window: each example once, of like length together, in an order that follows from the seed."""

import itertools

import numpy as np
import pytest

from keras_bert.data.shards.window_plan import plan_window, share_of

LENGTHS = np.random.default_rng(0).integers(1, 60, 101)


@pytest.mark.parametrize("seed", [None, (3, 1)])
@pytest.mark.parametrize("sort", [True, False])
def test_each_example_comes_once(seed, sort):
    batches = plan_window(LENGTHS, 8, seed, sort=sort, drop_remainder=False)
    assert sorted(np.concatenate(batches).tolist()) == list(range(101))
    assert sorted(map(len, batches)) == [5, *[8] * 12]


def test_examples_of_like_length_are_together():
    batches = plan_window(LENGTHS, 8, (3, 1), sort=True, drop_remainder=False)
    bounds = sorted((LENGTHS[batch].min(), LENGTHS[batch].max()) for batch in batches)
    assert all(last <= first for (_, last), (first, _) in itertools.pairwise(bounds))


def test_without_sorting_the_order_stays():
    batches = plan_window(LENGTHS, 8, (3, 1), sort=False, drop_remainder=False)
    assert np.concatenate(batches).tolist() == list(range(101))


def test_what_does_not_fill_a_batch_can_be_left_out():
    batches = plan_window(LENGTHS, 8, (3, 1), sort=True, drop_remainder=True)
    assert {len(batch) for batch in batches} == {8}
    assert np.concatenate(batches).max() < 96


def test_the_seed_decides():
    def planned(seed):
        return [batch.tolist() for batch in plan_window(LENGTHS, 8, seed, sort=True, drop_remainder=False)]

    assert planned((1, 2)) == planned((1, 2))
    assert planned((1, 2)) != planned((1, 3)) != planned((2, 2))


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 9])
def test_shares_are_the_whole_batch(parts):
    rows = np.arange(7)
    shares = [share_of(rows, part, parts) for part in range(parts)]
    assert np.concatenate(shares).tolist() == rows.tolist()
    assert max(map(len, shares)) == -(-7 // parts)
