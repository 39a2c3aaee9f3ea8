"""`SaveBest` saves exactly at the epochs that are better than all before."""

import math

import pytest

from keras_bert.errors import InputError
from keras_bert.training import SaveBest


def epochs_saved(values: list[float], mode: str = "max") -> tuple[list[int], SaveBest]:
    saved: list[int] = []
    best = SaveBest(lambda: saved.append(epoch), "val_f1", mode)
    for epoch, value in enumerate(values, start=1):
        best.on_epoch_end(epoch - 1, {"loss": 9.0, "val_f1": value})
    return saved, best


def test_better_epochs_are_saved():
    saved, best = epochs_saved([0.5, 0.4, 0.7, 0.7, 0.8])
    assert saved == [1, 3, 5]
    assert (best.best, best.best_epoch) == (0.8, 5)


def test_lower_is_better_when_asked():
    saved, best = epochs_saved([0.5, 0.6, 0.2, 0.3], "min")
    assert saved == [1, 3]
    assert (best.best, best.best_epoch) == (0.2, 3)


@pytest.mark.parametrize("mode", ["max", "min"])
def test_any_number_is_better_than_nan(mode: str):
    """The correlation of a model that answers the same number for every row is nan, often after the first epoch."""
    saved, best = epochs_saved([math.nan, math.nan, 0.1, math.nan], mode)
    assert saved == [1, 3]
    assert (best.best, best.best_epoch) == (0.1, 3)


def test_before_the_first_epoch_there_is_no_best():
    _, best = epochs_saved([])
    assert best.best is None
    assert best.best_epoch is None


def test_a_value_that_is_not_there_is_an_error_that_names_those_that_are():
    with pytest.raises(InputError, match="no 'val_f1' to monitor; there are: accuracy, loss"):
        SaveBest(lambda: None, "val_f1").on_epoch_end(0, {"loss": 1.0, "accuracy": 0.5})


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="'best'"):
        SaveBest(lambda: None, "val_f1", "best")
