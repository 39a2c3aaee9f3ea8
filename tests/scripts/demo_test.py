"""`keras-bert demo`, on tiny weights and rows; the real one is run by `make demo`."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from keras_bert.tasks import BertTask
from tests.scripts.programs import fit_without_steps, imported, run_process, run_program


def flags(encoder: Path, tables: Path, tmp_path: Path) -> list[str]:
    return [
        f"--preset={encoder}",
        *(f"--{part}={tables}/{part}.tsv" for part in ("train", "dev", "test")),
        "--text=sentence",
        "--max_length=16",
        f"--output={tmp_path}/run",
        f"--saved_model={tmp_path}/saved_model/1",
    ]


def test_the_three_steps(encoder: Path, tables: Path, tmp_path: Path, monkeypatch):
    """All but the process that asks, which imports TensorFlow for seconds."""
    asked = []

    def ask(command, **_) -> subprocess.CompletedProcess:
        asked.append(command)
        return subprocess.CompletedProcess(command, 0, stderr=b"I0000 00:00:17.4 port.cc:153] oneDNN\nE0000 a fault\n")

    monkeypatch.setattr(subprocess, "run", ask)
    fit_without_steps(monkeypatch, 0.7)
    done = run_program("demo", *flags(encoder, tables, tmp_path))
    assert done.status == 0, done.stderr
    accuracy = json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]["accuracy"]
    assert f"1. Fine-tuning {encoder} on {tables}/train.tsv\n" in done.stdout
    assert f"   test: accuracy {accuracy:.3f}, " in done.stdout
    assert (tmp_path / "run" / "confusion.png").is_file()
    assert done.stdout.startswith("Takes what your flags ask for. Ctrl-C stops it")
    assert "oneDNN" not in done.stderr
    assert "E0000 a fault\n" in done.stderr
    *_, why = done.stdout.split("\n4. Why?")
    reasons, _, last = why.partition("\nDone in ")
    values = [float(line.split()[0]) for line in reasons.splitlines()[2:] if line]
    assert 0 < len(values) <= 5
    assert [abs(value) for value in values] == sorted((abs(value) for value in values), reverse=True)
    for made in ("run/model", "run/confusion.png", "saved_model/1"):
        assert f"   {tmp_path}/{made} " in last
    assert f"predict --model={tmp_path}/run/model\n" in last
    (command,) = asked
    assert (tmp_path / "saved_model" / "1" / "saved_model.pb").is_file()
    assert "| test accuracy | " in (tmp_path / "saved_model" / "1" / "README.md").read_text(encoding="utf-8")
    with imported("demo") as demo:
        assert command[1:] == ["-c", demo.ASK, f"{tmp_path}/saved_model/1", *demo.QUESTIONS]


def test_a_dry_run_asks_nothing(encoder: Path, tables: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(BertTask, "fit", lambda *_, **__: None)
    done = run_program("demo", *flags(encoder, tables, tmp_path), "--dry_run")
    assert done.status == 0, done.stderr
    assert "dry run: all is well" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_it_has_defaults_of_its_own_and_finetunes_flags():
    shown = run_program("demo", "--help").stdout
    with imported("demo") as demo:
        for name, value in demo.DEFAULTS.items():
            flag = f"--[no]{name}" if isinstance(value, bool) else f"--{name}"
            assert any(
                line.startswith(f"  {flag}: ") and line.endswith(f"(default: {str(value).lower()})")
                for line in shown.splitlines()
            ), name
    assert "--preset" in shown
    assert "--data_dir" in shown


def test_a_place_that_cannot_hold_the_export_is_told_before_the_training(encoder, tables, tmp_path):
    (tmp_path / "file").write_text("a file")
    done = run_program("demo", *flags(encoder, tables, tmp_path), f"--saved_model={tmp_path}/file")
    assert done.error == f"{tmp_path}/file: is a file; expected the name of a folder to write"
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_whole_of_it_as_a_process(encoder: Path, tables: Path, tmp_path: Path):
    done = run_process("-m", "keras_bert.scripts.demo", *flags(encoder, tables, tmp_path), "--epochs=1")
    assert done.returncode == 0, done.stderr
    asking = done.stdout.partition("3. Asking the SavedModel")[2].partition("\n4. ")[0]
    answers = [line.split()[:2] for line in asking.splitlines() if line.startswith("   ")]
    assert len(answers) == 3
    for label, score in answers:
        assert label in ("good", "bad")
        assert 0.5 <= float(score) <= 1
    assert "Traceback" not in done.stderr
    assert not re.search(r"(?m)^(I\d{4} |WARNING: All log messages|\d{4}-\d\d-\d\d )", done.stdout + done.stderr)
