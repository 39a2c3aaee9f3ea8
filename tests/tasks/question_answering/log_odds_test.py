"""Scores and log-odds, there and back."""

import math

import pytest

from keras_bert.errors import InputError
from keras_bert.tasks.question_answering.log_odds import CERTAIN, log_odds_of, score_of


@pytest.mark.parametrize(("score", "log_odds"), [(0.5, 0.0), (0.8, math.log(4)), (1e-9, math.log(1e-9)), (1, CERTAIN)])
def test_there_and_back(score: float, log_odds: float):
    assert log_odds_of(score) == pytest.approx(log_odds)
    assert score_of(log_odds) == pytest.approx(score)
    assert score_of(-log_odds) == pytest.approx(1 - score)


def test_no_overflow_and_no_other_score():
    assert (score_of(-CERTAIN), score_of(CERTAIN), log_odds_of(0.0)) == (0.0, 1.0, -CERTAIN)
    for score in (-0.1, 1.1, math.nan):
        with pytest.raises(InputError, match="a score is from 0 to 1"):
            log_odds_of(score)
