"""`keras-bert app`: examples of the run's own rows, a Space, a server that ends."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripts.programs import ROOT, run_program

pytest.importorskip("gradio", reason="needs gradio: pip install 'bert-for-keras[app]'")


@pytest.fixture
def run(classifier: Path, tables: Path, tmp_path: Path) -> Path:
    """A model in a run whose --dev has 32 rows."""
    shutil.copytree(classifier, tmp_path / "run" / "model")
    (tmp_path / "run" / "flags.txt").write_text(f"--train=a.tsv\n--dev={tables}/dev.tsv\n")
    return tmp_path / "run"


def write(model: Path, output: Path, *flags: str) -> dict:
    done = run_program("app", f"--model={model}", f"--output={output}", "--text=sentence", "--overwrite", *flags)
    assert done.status == 0, done.stderr
    return {**json.loads((output / "page.json").read_text(encoding="utf-8")), "said": done.stderr}


def test_examples_are_rows_of_the_run_or_of_a_file_or_none(run: Path, tables: Path, tmp_path: Path):
    dev = (tables / "dev.tsv").read_text().splitlines()[1:]
    page = write(run / "model", tmp_path / "space")
    assert page["title"] == "run"
    assert page["examples"] == [{"text": row.split("\t")[0]} for row in dev[::6][:5]]
    test = (tables / "test.tsv").read_text().splitlines()[1:]
    page = write(run / "model", tmp_path / "space", f"--examples={tables}/test.tsv", "--title=mine")
    assert page["title"] == "mine"
    assert page["examples"] == [{"text": row.split("\t")[0]} for row in test[::6][:5]]
    assert write(run / "model", tmp_path / "space", "--examples=none")["examples"] == []


def test_rows_of_the_run_that_are_gone_are_said(run: Path, tmp_path: Path):
    (run / "flags.txt").write_text("--dev=/gone/dev.tsv\n")
    page = write(run / "model", tmp_path / "space")
    assert page["examples"] == []
    assert "no examples: /gone/dev.tsv, the --dev of the run, is no file here" in page["said"]


def test_bad_input_is_one_line(run: Path, tmp_path: Path):
    model = f"--model={run}/model"
    for flags, words in (
        ([model, "--overwrite"], "--overwrite is for --output"),
        ([model, f"--output={run}"], "run"),
        ([model, "--examples=/no/such.tsv", "--output=x"], "/no/such.tsv"),
        ([f"--model={tmp_path}/none"], "none"),
    ):
        done = run_program("app", *flags)
        assert done.status == 2
        assert done.stderr.splitlines()[-1].startswith("keras-bert app: error: "), done.stderr
        assert words in done.error


@pytest.mark.slow
def test_it_serves_until_it_is_stopped(run: Path):
    command = [sys.executable, "-m", "keras_bert.scripts.app", f"--model={run}/model", "--port=0", "--examples=none"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("run: http://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM
