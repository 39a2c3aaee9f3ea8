"""`keras-bert finetune --long_texts=...`, and longer positions: what a run says, and what its model keeps."""

import json
from pathlib import Path

import pytest

from tests.scripts.programs import run_program


def finetune(encoder: Path, tables: Path, output: Path, *flags: str):
    given = (f"--preset={encoder}", f"--output={output}", "--text=sentence", "--noplots", "--epochs=1")
    parts = [f"--{part}={tables}/{part}.tsv" for part in ("train", "dev")]
    return run_program("finetune", *given, *parts, *flags)


def test_windows_are_kept_and_used_again(encoder: Path, tables: Path, tmp_path: Path):
    flags = ("--long_texts=windows", "--max_length=5", "--window_stride=2", "--max_windows=2", "--batch_size=16")
    done = finetune(encoder, tables, tmp_path / "run", *flags, "--window_pooling=attention")
    assert done.status == 0, done.stderr
    assert "texts are longer than what is read, --long_texts=windows" in done.stdout
    saved = json.loads((tmp_path / "run" / "model" / "keras_bert.json").read_text())
    kept = {"long_texts": "windows", "window_stride": 2, "max_windows": 2, "max_length": 5}
    assert saved["preprocessor"].items() >= kept.items()
    assert saved["window_pooling"] == "attention"
    assert "long_texts" in (tmp_path / "run" / "model" / "README.md").read_text()
    evaluated = run_program("evaluate", f"--model={tmp_path}/run/model", f"--rows={tables}/dev.tsv")
    assert evaluated.status == 0, evaluated.stderr
    best = json.loads((tmp_path / "run" / "metrics.json").read_text())["dev"]
    assert json.loads(evaluated.stdout)["accuracy"] == pytest.approx(best["accuracy"])


def test_more_positions_than_the_preset_has(encoder: Path, tables: Path, tmp_path: Path):
    rows = json.loads((encoder / "config.json").read_text())["max_position_embeddings"]
    refused = finetune(encoder, tables, tmp_path / "run", f"--max_length={rows + 9}")
    assert refused.status == 2
    done = finetune(encoder, tables, tmp_path / "run", f"--max_length={rows + 9}", "--positions=hierarchical")
    assert done.status == 0, done.stderr
    saved = json.loads((tmp_path / "run" / "model" / "config.json").read_text())
    assert saved["max_position_embeddings"] == rows + 9


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--task=tag", "--long_texts=windows"], "--long_texts is for --task=classify, regress and embed"),
        (
            ["--task=choose", "--choices=a,b", "--max_windows=3"],
            "--max_windows is for --task=classify, regress and embed",
        ),
        (["--max_windows=3"], "max_windows is for long_texts='windows'"),
        (["--window_pooling=max"], "window_pooling is for long_texts='windows'"),
        (["--long_texts=head_tail", "--head_tokens=300"], "max_length=128 has room for 126 tokens"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_flags(flags: list[str], message: str, encoder: Path, tables: Path, tmp_path: Path):
    done = finetune(encoder, tables, tmp_path / "run", *flags)
    assert done.status == 2
    assert message in done.stderr
    assert not (tmp_path / "run").exists()
