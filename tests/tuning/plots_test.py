"""Pictures are there and are pictures; importances find the setting that decides."""

from pathlib import Path

import pytest

from keras_bert.tuning.plots import importances, plot_study
from keras_bert.tuning.space import Choice, Range
from keras_bert.tuning.study import Study

pytest.importorskip("optuna", reason="needs Optuna: pip install 'bert-for-keras[tune]'")
SPACE = {"rate": Range(0.0, 1.0), "size": Choice((16, 32)), "name $a_b": Choice(("x", "y"))}


def make(path: Path, trials: int) -> Study:
    study = Study(path, SPACE)
    for _ in range(trials):
        trial = study.ask()
        study.tell(trial, trial.values["rate"], monitor="accuracy")
    return study


def test_the_setting_that_decides_is_the_most_important(tmp_path: Path):
    found = importances(make(tmp_path / "study.json", 20))
    assert next(iter(found)) == "rate"
    assert found["rate"] > 0.8
    assert sum(found.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("trials", "names"),
    [(0, []), (1, ["history.png"]), (3, ["history.png", "parallel.png"]),
     (6, ["history.png", "importance.png", "parallel.png"])],
)  # fmt: skip
def test_as_many_pictures_as_the_trials_are_worth(trials: int, names: list[str], tmp_path: Path):
    assert plot_study(make(tmp_path / "study.json", trials), tmp_path) == names
    assert sorted(path.name for path in tmp_path.glob("*.png")) == sorted(names)
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in names)
