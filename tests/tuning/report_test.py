"""The table and the file of a study's trials."""

import csv
from pathlib import Path

import pytest

from keras_bert.tuning.report import table, told, write_trials
from keras_bert.tuning.space import Choice, Range
from keras_bert.tuning.study import FAILED, PRUNED, Study

pytest.importorskip("optuna", reason="needs Optuna: pip install 'bert-for-keras[tune]'")


@pytest.fixture
def study(tmp_path: Path) -> Study:
    found = Study(tmp_path / "study.json", {"rate": Range(1e-5, 1e-3, log=True), "size": Choice((16, 32))})
    for value in (0.5, 0.75, 0.625):
        trial = found.ask()
        found.report(trial, [value])
        found.tell(trial, value, seconds=2.5)
    trial = found.ask()
    found.report(trial, [0.25])
    found.tell(trial, None, PRUNED)
    found.tell(found.ask(), None, FAILED, error='no "memory", at all')
    return found


def test_the_file_holds_every_trial(study: Study, tmp_path: Path):
    write_trials(study, tmp_path / "trials.csv")
    with (tmp_path / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["trial", "state", "score", "rate", "size", "seconds", "error"]
    assert [row["state"] for row in rows] == ["complete"] * 3 + ["pruned", "failed"]
    assert [row["score"] for row in rows] == ["0.5000", "0.7500", "0.6250", "", ""]
    assert rows[4]["error"] == 'no "memory", at all'
    assert float(rows[0]["rate"]) == pytest.approx(study.trials[0].values["rate"], rel=1e-3)


def test_the_best_come_first(study: Study):
    lines = table(study).splitlines()
    assert lines[0].split() == ["trial", "score", "rate", "size"]
    assert [line.split()[:2] for line in lines[1:]] == [["1", "0.7500"], ["2", "0.6250"], ["0", "0.5000"]]
    assert len(table(study, most=1).splitlines()) == 2


def test_a_line_on_each(study: Study):
    assert told(study.trials[0], 9).endswith(": 0.5000")
    assert told(study.trials[3], 9).startswith("trial 4 of 9: rate=")
    assert told(study.trials[3], 9).endswith(": pruned (best epoch score 0.2500)")
    assert told(study.trials[4], 9).endswith(": failed")
