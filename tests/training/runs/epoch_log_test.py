"""Which epoch is the best; what a log holds is tested with the loop, in epoch_run_test.py."""

import csv
from pathlib import Path

import pytest

from keras_bert.errors import InputError
from keras_bert.training import EpochLog, RunState


def logged(folder: Path, scores: list[dict[str, float]], **options) -> tuple[EpochLog, list[int]]:
    """A log of an epoch of one step for each of some scores; and the steps after which the model was saved."""
    state = RunState(folder, every_steps=0)
    values, saved = iter(scores), []
    log = EpochLog(
        folder / "log.csv", state, lambda: next(values), lambda: saved.append(state.place["steps"]), **options
    )
    log.steps_per_epoch = 1
    for epoch in range(len(scores)):
        state.place.update(epoch=epoch, step=1, steps=epoch + 1, logs={"loss": 1.0})
        log.begin()
        log.begin()  # scored already
    return log, saved


NAN = float("nan")


@pytest.mark.parametrize(
    ("name", "mode", "values", "saved"),
    [
        ("f1", "max", [0.2, 0.5, 0.5, 0.4, 0.6], [1, 2, 5]),
        ("loss", "min", [0.7, 0.5, 0.5, 0.6, 0.4], [1, 2, 5]),
        ("f1", "max", [NAN, 0.1, NAN, 0.2], [1, 2, 4]),
    ],
)
def test_the_best_epoch_is_by_the_score_that_is_watched(
    tmp_path: Path, name: str, mode: str, values: list[float], saved: list[int]
):
    """Accuracy, which says the contrary, does not count."""
    scores = [{"accuracy": -index, name: value} for index, value in enumerate(values)]
    log, found = logged(tmp_path, scores, monitor=name, mode=mode)
    assert found == saved
    assert log.best == log.rows[saved[-1] - 1]


def test_epochs_are_counted_from_1(tmp_path: Path):
    logged(tmp_path, [{"f1": 0.5}, {"f1": 0.6}], monitor="f1")
    with (tmp_path / "log.csv").open() as file:
        assert list(csv.DictReader(file)) == [
            {"epoch": "1", "step": "1", "loss": "1.0", "val_f1": "0.5"},
            {"epoch": "2", "step": "2", "loss": "1.0", "val_f1": "0.6"},
        ]


def test_a_score_that_there_is_not_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"no 'val_mathews' to monitor; there are: .*val_matthews"):
        logged(tmp_path, [{"matthews": 0.5}], monitor="mathews")
