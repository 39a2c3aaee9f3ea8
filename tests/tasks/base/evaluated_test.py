"""Held-out rows are shared out over replicas and workers, each is computed once, and scores are those of one device."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.scripts.programs import run_cluster, run_process
from tests.tasks import tiny
from tests.tasks.base.evaluated import BATCH_SIZE, ROWS, TASKS, scores_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for name, (make, _) in TASKS.items():
        make().save_preset(folder / name)
    return folder


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, dict[str, float]]:
    """The truth: one device."""
    return {name: scores_of(folder, name) for name in TASKS}


def said(stdout: str) -> dict[str, dict]:
    return json.loads(next(line for line in stdout.splitlines() if line.startswith("FOUND ")).removeprefix("FOUND "))


def assert_scores(found: dict[str, dict], expected: dict[str, dict[str, float]]) -> None:
    for name, scores in expected.items():
        assert found[name]["scores"] == pytest.approx(scores, abs=1e-6), name


def assert_each_row_once(shares: list[list[list[int]]], batches: list[int]) -> None:
    """A share is filled up with copies of the last row, so that all are alike; nothing else is there twice."""
    assert {len(share) for share in shares} == {len(batches)}
    for rows, *parts in zip(batches, *shares, strict=True):
        size = -(-rows // len(parts))
        assert [len(part) for part in parts] == [size] * len(parts)
        counts = Counter(number for part in parts for number in part)
        assert set(counts) == set(range(rows))
        assert {number for number, count in counts.items() if count > 1} <= {rows - 1}


def test_two_workers_share_the_rows(folder: Path, expected: dict[str, dict[str, float]]):
    done = run_cluster(2, "-m", "tests.tasks.base.evaluated", str(folder))
    assert [worker.returncode for worker in done] == [0, 0], done[0].stderr[-3000:] + done[1].stderr[-3000:]
    first, second = (said(worker.stdout) for worker in done)
    for name in TASKS:
        assert first[name]["scores"] == second[name]["scores"], name  # to the last bit: both keep the same best model
    assert_scores(first, expected)
    whole, rest = divmod(ROWS, BATCH_SIZE)
    for name in ("classifier", "regressor", "chooser", "writer"):
        assert_each_row_once([first[name]["own"], second[name]["own"]], [BATCH_SIZE] * whole + [rest])
    for name in TASKS:
        assert first[name]["own"], name
    # To write takes longest.
    assert (first["writer"]["asked"], second["writer"]["asked"]) == (tiny.TEXTS[:ROWS:2], tiny.TEXTS[1:ROWS:2])


def test_two_replicas_of_a_machine_give_the_scores_of_one(folder: Path, expected: dict[str, dict[str, float]]):
    done = run_process("-m", "tests.tasks.base.evaluated", str(folder), "--mirrored")
    assert done.returncode == 0, done.stderr[-3000:]
    found = said(done.stdout)
    assert_scores(found, expected)
    for name in TASKS:
        assert len(found[name]["own"]) % 2 == 0, name
        assert found[name]["own"], name
