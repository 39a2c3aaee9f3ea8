"""A search over runs that take a moment: all trials, in parallel too; failures; what is kept; a kill."""

import functools
from pathlib import Path

import pytest

from keras_bert.errors import InputError
from keras_bert.tuning import Range, Study, tune
from tests.tuning.runs import command

pytest.importorskip("optuna", reason="needs Optuna: pip install 'bert-for-keras[tune]'")
SPACE = {"rate": Range(0.0, 1.0)}


@pytest.mark.parametrize("jobs", [1, 3])
def test_as_many_trials_as_asked_for_and_the_best_model_is_kept(jobs: int, tmp_path: Path):
    study, ended = Study(tmp_path / "study.json", SPACE, parallel=jobs > 1), []
    best = tune(study, command, tmp_path / "trials", 5, jobs=jobs, prune=False, on_end=ended.append)
    assert len(study.trials) == len(ended) == 5
    assert best.score == max(trial.values["rate"] for trial in study.trials)
    assert [path.parent.name for path in (tmp_path / "trials").glob("*/model")] == [f"{best.number:04d}"]
    assert best.facts == {
        "seconds": 1.0,
        "monitor": "accuracy",
        "dev": {"accuracy": best.score, "loss": 1 - best.score},
    }
    more = tune(Study(tmp_path / "study.json", SPACE), command, tmp_path / "trials", 6, keep_models=True, prune=False)
    assert more.score >= best.score
    assert len(list((tmp_path / "trials").glob("*/starts"))) == 6


def test_a_trial_that_fails_is_one_of_them(tmp_path: Path):
    study = Study(tmp_path / "study.json", SPACE)
    best = tune(study, functools.partial(command, mode="fail"), tmp_path / "trials", 5, prune=False)
    failed = [trial for trial in study.trials if trial.state == "failed"]
    assert [trial.values["rate"] > 0.5 for trial in study.trials] == [trial in failed for trial in study.trials]
    assert failed
    assert best.score <= 0.5
    assert failed[0].facts == {"error": "out of memory", "status": 1}


def test_flags_that_the_first_trial_refuses_end_the_search(tmp_path: Path):
    study = Study(tmp_path / "study.json", SPACE)
    with pytest.raises(InputError, match=r"trial 0: a\.tsv: no such file"):
        tune(study, functools.partial(command, mode="refuse"), tmp_path / "trials", 5)


def test_poor_trials_are_stopped_the_same_ones_however_fast_they_are(tmp_path: Path):
    states = []
    for name, seconds in (("fast", 0.0), ("slow", 0.4)):
        study = Study(tmp_path / name / "study.json", SPACE)
        (tmp_path / name).mkdir(exist_ok=True)
        tune(study, functools.partial(command, seconds=seconds), tmp_path / name / "trials", 8)
        states.append([(trial.state, trial.values) for trial in study.trials])
    assert states[0] == states[1]
    assert "pruned" in [state for state, _ in states[0]]
