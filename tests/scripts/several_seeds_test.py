"""`finetune --seeds`: mean and spread by hand, the best model, a card for all, and going on."""

import json
import shutil
import statistics
from pathlib import Path

import pytest

from keras_bert.scripts.several_seeds import summarize
from tests.scripts.programs import run_process, run_program


def test_mean_and_spread_by_hand():
    found = {
        3: {"seconds": 1.0, "dev": {"f1": 0.5, "loss": 0.9}, "test": {"f1": 0.25}},
        4: {"seconds": 1.0, "dev": {"f1": 0.75, "loss": 0.8}, "test": {"f1": 0.5}},
        5: {"seconds": 1.0, "dev": {"f1": 0.75, "loss": 0.4}, "test": {"f1": 0.75}},
    }
    summary = summarize(found, "f1")
    assert (summary["seeds"], summary["best_seed"]) == ([3, 4, 5], 4)
    assert summary["dev"]["f1"] == {
        "mean": 2 / 3,
        "std": statistics.stdev([0.5, 0.75, 0.75]),
        "each": [0.5, 0.75, 0.75],
    }
    assert summary["test"]["f1"]["mean"] == 0.5
    assert summarize(found, "loss")["best_seed"] == 5
    assert summarize({3: {"seconds": 1.0}, 4: {"seconds": 1.0}}, None) == {"seeds": [3, 4], "best_seed": 3}


@pytest.mark.slow
def test_runs_with_several_seeds(encoder: Path, tables: Path, tmp_path: Path):
    rows = [f"--train={tables}/train.tsv", f"--dev={tables}/dev.tsv", "--text=sentence", f"--preset={encoder}"]
    flags = [*rows, "--max_length=24", "--epochs=1", "--learning_rate=1e-2", "--noplots", "--seed=5", "--seeds=2"]
    done = run_program("finetune", *flags, f"--output={tmp_path}/run")
    assert done.status == 0, done.stderr
    found = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert json.loads(done.stdout.splitlines()[-1]) == found
    each = [json.loads((tmp_path / f"run/seeds/{seed}/metrics.json").read_text())["dev"] for seed in (5, 6)]
    assert found["dev"]["accuracy"]["each"] == [scores["accuracy"] for scores in each]
    card = (tmp_path / "run" / "model" / "README.md").read_text()
    mean, std = found["dev"]["accuracy"]["mean"], found["dev"]["accuracy"]["std"]
    assert f"| dev accuracy, 2 seeds | {mean:.4f} ± {std:.4f} |" in card
    assert f"| seed | {found['best_seed']}, the best of 2 |" in card

    # A seed that was not there is run; the other one is not run again.
    shutil.rmtree(tmp_path / "run" / "seeds" / "6")
    began = (tmp_path / "run/seeds/5/metrics.json").stat().st_mtime_ns
    again = run_process("-m", "keras_bert.scripts.finetune", *flags, f"--output={tmp_path}/run")
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "run/seeds/5/metrics.json").stat().st_mtime_ns == began
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["dev"] == found["dev"]
    other = run_program("finetune", *flags, "--batch_size=8", f"--output={tmp_path}/run")
    assert "the runs there have other flags than these; replace them, --overwrite" in other.error


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--dry_run", "--dry_run is for one run; leave out --seeds"),
        ("--strategy=multi_worker", "--strategy=multi_worker takes one seed"),
        ("--train=/no/such.tsv", "/no/such.tsv"),
    ],
)
def test_bad_input_is_one_line(flag: str, words: str, tmp_path: Path):
    done = run_program("finetune", "--seeds=2", flag, f"--output={tmp_path}/run")
    assert done.status == 2
    assert words in done.error
