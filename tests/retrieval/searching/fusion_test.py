"""Reciprocal rank fusion, against the sum of the paper."""

import numpy as np
import pytest

from keras_bert.retrieval.searching.fusion import reciprocal_rank_fusion


@pytest.mark.parametrize("weights", [None, [2.0, 0.5]], ids=["alike", "weighted"])
def test_the_score_is_the_sum_of_the_reciprocal_places(weights: list[float] | None):
    draw = np.random.default_rng(1)
    orders = [draw.permutation(30)[:12], draw.permutation(30)[:20]]
    expected: dict[int, float] = {}
    for order, weight in zip(orders, weights or [1.0, 1.0], strict=True):
        for place, number in enumerate(order.tolist(), 1):
            expected[number] = expected.get(number, 0) + weight / (60 + place)
    scores, numbers = reciprocal_rank_fusion(orders, weights)
    assert sorted(numbers.tolist()) == sorted(expected)
    np.testing.assert_allclose(scores, [expected[number] for number in numbers.tolist()], rtol=1e-6)
    keys = [(-expected[number], number) for number in numbers.tolist()]
    assert keys == sorted(keys)


def test_nothing_found_stays_nothing():
    nothing = np.zeros(0, np.int64)
    assert reciprocal_rank_fusion([nothing, nothing])[1].tolist() == []
    assert reciprocal_rank_fusion([nothing, np.array([4, 2])])[1].tolist() == [4, 2]
