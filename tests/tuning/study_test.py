"""A study that is left at any trial goes on as if it had not been; what it stops early is below the median."""

import json
import math
from pathlib import Path

import pytest

from keras_bert.errors import InputError
from keras_bert.tuning.space import Choice, Range
from keras_bert.tuning.study import COMPLETE, FAILED, PRUNED, Study, grid

pytest.importorskip("optuna", reason="needs Optuna: pip install 'bert-for-keras[tune]'")

SPACE = {"rate": Range(1e-5, 1e-3, log=True), "size": Choice((16, 32)), "epochs": Range(2, 4, whole=True)}


def score(values: dict) -> float:
    """Best at a rate of 1e-4 and a size of 32."""
    return 1 - abs(math.log10(values["rate"]) + 4) / 2 - (values["size"] == 16) * 0.1


def go_on(path: Path, trials: int, leave_at: int | None = None, **options) -> Study:
    study = Study(path, SPACE, **options)
    while sum(trial.state != "running" for trial in study.trials) < trials:
        trial = study.ask()
        if trial.number == leave_at:
            return study  # as a killed process does
        study.report(trial, [0.5 * score(trial.values)])
        study.tell(trial, score(trial.values), seconds=1.0)
    return study


def test_values_are_of_the_space_and_get_better(tmp_path: Path):
    study = go_on(tmp_path / "study.json", 25)
    for trial in study.trials:
        assert all(values.holds(trial.values[name]) for name, values in SPACE.items())
    assert study.best.score == max(trial.score for trial in study.trials)
    means = [sum(trial.score for trial in part) / len(part) for part in (study.trials[:10], study.trials[10:])]
    assert means[1] > means[0] + 0.1  # the first ten are drawn at random


@pytest.mark.parametrize("leave_at", [0, 1, 7, 13])
def test_left_and_gone_on_with_is_the_same_study(leave_at: int, tmp_path: Path):
    go_on(tmp_path / "whole.json", 14)
    go_on(tmp_path / "left.json", 14, leave_at)
    study = go_on(tmp_path / "left.json", 14)
    assert json.loads((tmp_path / "left.json").read_text()) == json.loads((tmp_path / "whole.json").read_text())
    assert [trial.number for trial in study.trials] == list(range(14))


def test_settings_that_come_first(tmp_path: Path):
    first = [{"rate": 1e-4, "size": 16, "epochs": 3}, {"rate": 2e-4, "size": 32, "epochs": 2}]
    go_on(tmp_path / "a.json", 2, leave_at=1, first=first)
    study = go_on(tmp_path / "a.json", 4, first=first)
    assert [trial.values for trial in study.trials[:2]] == first
    assert study.trials[2].values not in first


def test_below_the_median_is_stopped(tmp_path: Path):
    """Optuna's median pruner: after five trials, one that is worse than half of them after as many epochs."""
    study = Study(tmp_path / "study.json", SPACE)
    for value in (0.1, 0.2, 0.3, 0.4, 0.5):
        trial = study.ask()
        assert not study.report(trial, [value, value])
        study.tell(trial, value)
    poor, good, late = study.ask(), study.ask(), study.ask()
    assert study.report(poor, [0.29])
    study.tell(poor, None, PRUNED)
    assert not study.report(good, [0.31])
    assert not study.report(late, [0.1], is_over=True)
    for trial in (good, late):
        study.tell(trial, 0.6)
    assert (poor.state, poor.score) == (PRUNED, None)


def test_lower_is_better_and_what_is_no_number_has_failed(tmp_path: Path):
    study = Study(tmp_path / "study.json", SPACE, mode="min")
    for value in (0.5, 0.2, float("nan"), 0.3):
        trial = study.ask()
        study.report(trial, [value])
        study.tell(trial, value)
    assert study.best.score == 0.2
    assert (study.trials[2].state, study.trials[2].facts) == (FAILED, {"error": "the score is nan"})
    again = Study(tmp_path / "study.json", SPACE, mode="min")
    assert [trial.state for trial in again.trials] == [COMPLETE, COMPLETE, FAILED, COMPLETE]


def test_another_or_a_damaged_study_is_refused(tmp_path: Path):
    path = tmp_path / "study.json"
    go_on(path, 1)
    with pytest.raises(InputError, match="a study of another space; it goes on with the same alone"):
        Study(path, {**SPACE, "size": Choice((16, 64))})
    with pytest.raises(InputError, match="a study of another mode"):
        Study(path, SPACE, mode="min")
    for text in ("{}", '{"format": 1, "space": 3}', "[]", "{"):
        path.write_text(text)
        with pytest.raises(InputError, match=r"study\.json"):
            Study(path, SPACE)


def test_a_grid_is_every_combination():
    space = {"a": Choice((1, 2)), "b": Choice(("x", "y", "z"))}
    found = grid(space)
    assert len(found) == len({tuple(values.items()) for values in found}) == 6
