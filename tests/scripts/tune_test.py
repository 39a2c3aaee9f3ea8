"""`keras-bert tune`: real trials of a tiny encoder, what is left behind, and what is refused."""

import csv
import json
from pathlib import Path

import pytest

from tests.scripts.programs import run_process, run_program

pytest.importorskip("optuna", reason="needs Optuna: pip install 'bert-for-keras[tune]'")


def flags_of(encoder: Path, tables: Path, output: Path) -> list[str]:
    rows = [f"--train={tables}/train.tsv", f"--dev={tables}/dev.tsv", "--text=sentence", f"--preset={encoder}"]
    return [*rows, "--max_length=24", "--epochs=1", "--noplots", f"--output={output}"]


@pytest.mark.slow
def test_a_study_goes_on_and_leaves_the_best_run(encoder: Path, tables: Path, tmp_path: Path):
    flags = ["--space=learning_rate=1e-5..1e-2:log,batch_size=16|32", *flags_of(encoder, tables, tmp_path / "tuned")]
    done = run_program("tune", *flags, "--trials=2")
    assert done.status == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["trials"] == 2
    done = run_program("tune", f"--flagfile={tmp_path}/tuned/tune.txt", flags[0], "--trials=3")
    assert done.status == 0, done.stderr
    assert "going on after 2 trials" in done.stdout
    found = json.loads(done.stdout.splitlines()[-1])
    with (tmp_path / "tuned" / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["complete"] * 3
    # The first trial is the flags as they stand.
    assert (float(rows[0]["learning_rate"]), rows[0]["batch_size"]) == (5e-5, "32")
    best = max(rows, key=lambda row: float(row["score"]))
    assert found["best"]["trial"] == int(best["trial"])
    metrics = json.loads((tmp_path / "tuned" / "metrics.json").read_text())
    assert metrics["dev"]["accuracy"] == pytest.approx(float(best["score"]), abs=1e-4)
    again = run_process(
        "-m", "keras_bert.scripts.finetune", f"--flagfile={tmp_path}/tuned/flags.txt", f"--output={tmp_path}/again"
    )
    assert again.returncode == 0, again.stderr
    assert json.loads((tmp_path / "again" / "metrics.json").read_text())["dev"] == metrics["dev"]
    scored = run_program("evaluate", f"--model={tmp_path}/tuned/model", f"--rows={tables}/dev.tsv", "--text=sentence")
    assert json.loads(scored.stdout)["accuracy"] == metrics["dev"]["accuracy"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--space=rate=1..2"], "--space: rate is no flag of finetune --task=classify that can be tried"),
        (["--space=output=a|b"], "--space: output is no flag"),
        (["--space=learning_rate=1e-5..1e-4", "--learning_rate=1e-5"], "--space tries learning_rate, which is given"),
        (["--space=pooling=1..2"], "--space: pooling takes no range of numbers; name its values, pooling=A|B"),
        (["--space=batch_size=1.5..3.5"], "--space: batch_size takes whole numbers"),
        (["--space=batch_size=0|8"], "--space: batch_size=0: "),
        (["--space=on_nan=stop|go"], "--space: on_nan=go: "),
        (["--space=epochs=3..2"], "epochs=3..2: the range is empty"),
        (["--batch_size=8"], "--space tries batch_size, which is given as well"),
        (["--dry_run"], "--dry_run is for keras-bert finetune"),
        (["--seeds=2"], "--seeds is for keras-bert finetune"),
        (["--strategy=multi_worker"], "a trial is a process of this machine"),
        (["--train=requirements.txt"], "--dev is missing"),
    ],
)
def test_bad_input_is_one_line(flags: list[str], words: str, tmp_path: Path):
    done = run_program("tune", *flags, f"--output={tmp_path}/tuned")
    assert (done.status, done.stderr.count("\n")) == (2, 1), done.stderr
    assert words in done.error
    assert not (tmp_path / "tuned").exists()


def test_a_folder_with_something_else_is_kept(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine")
    done = run_program("tune", f"--output={tmp_path}")
    assert done.status == 2
    assert (tmp_path / "notes.txt").read_text() == "mine"
