"""Intervals against closed forms, and against how often they hold the truth."""

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.evaluation.intervals import mean_interval, percentile_interval, share_interval


def test_a_share_is_wilsons():
    """The ends solve (share - p)² = z² p (1 - p) / n."""
    low, high = share_interval(30, 40)
    for end in (low, high):
        assert (0.75 - end) ** 2 == pytest.approx(1.959964**2 * end * (1 - end) / 40, rel=1e-5)
    assert share_interval(0, 5)[0] == 0
    assert share_interval(5, 5)[1] == 1
    assert share_interval(0, 0) == (0, 1)


def test_95_of_100_intervals_hold_the_share():
    counts = np.random.default_rng(0).binomial(50, 0.8, 2000)
    held = [low <= 0.8 <= high for low, high in (share_interval(count, 50) for count in counts)]
    assert 0.93 < np.mean(held) < 0.97


def test_percentiles_pass_over_what_is_no_number():
    assert percentile_interval(np.array([np.nan, *range(101)])) == pytest.approx((2.5, 97.5))
    assert np.isnan(percentile_interval(np.array([np.nan]))).all()


def test_a_mean_has_the_interval_of_its_standard_error():
    values = np.random.default_rng(1).normal(3, 2, 400)
    low, high = mean_interval(values)
    assert (low + high) / 2 == pytest.approx(values.mean(), abs=0.02)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)
    assert np.isnan(mean_interval(np.array([1.0]))).all()
    with pytest.raises(InputError, match="there are no values"):
        mean_interval(np.array([]))
