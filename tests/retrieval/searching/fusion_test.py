"""Orders made one by places and by scores, against sums worked out passage by passage."""

import numpy as np
import pytest

from keras_bert.retrieval.searching.fusion import reciprocal_rank_fusion, score_fusion


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


def test_scores_are_brought_to_one_range_and_their_mean_counts():
    words = np.array([12.0, 6.0, 3.0]), np.array([4, 9, 1])
    meaning = np.array([0.8, 0.6, 0.4]), np.array([9, 2, 4])
    expected = {4: 0.3 * 1 + 0.7 * 0, 9: 0.3 * 0.5 + 0.7 * 1, 1: 0.3 * 0.25, 2: 0.7 * 0.5}
    scores, numbers = score_fusion(words, meaning, weight=0.3)
    assert numbers.tolist() == [9, 2, 4, 1]
    np.testing.assert_allclose(scores, [expected[number] for number in numbers.tolist()], rtol=1e-6)


def test_scores_of_one_order_alone_or_all_alike_are_no_obstacle():
    nothing = np.zeros(0, np.float32), np.zeros(0, np.int64)
    some = np.array([0.7, 0.7]), np.array([3, 1])
    assert score_fusion(nothing, nothing)[1].tolist() == []
    assert score_fusion(nothing, some)[1].tolist() == [1, 3]
    assert score_fusion(some, nothing)[1].tolist() == [1, 3]
    assert np.isfinite(score_fusion(some, some)[0]).all()
