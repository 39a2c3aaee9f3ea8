"""`keras-bert finetune --lora_rank=...`: adapters trained, merged or kept."""

import json
from pathlib import Path

import pytest

from keras_bert.checkpoints import open_checkpoint
from keras_bert.checkpoints.peft_folder import is_adapter
from keras_bert.tasks import open_task
from tests.scripts.programs import fit_without_steps, run_program


def finetune(encoder: Path, tables: Path, output: Path, *flags: str):
    given = (f"--preset={encoder}", f"--output={output}", "--text=sentence", "--max_length=16", "--noplots")
    parts = [f"--{part}={tables}/{part}.tsv" for part in ("train", "dev")]
    return run_program("finetune", *given, *parts, *flags)


def test_merged_by_default(encoder: Path, tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fit_without_steps(monkeypatch, 0.5)
    done = finetune(encoder, tables, tmp_path / "run", "--lora_rank=2", "--epochs=1")
    assert done.status == 0, done.stderr
    assert "adapters: " in done.stdout
    assert " weights are trained, " in done.stdout
    assert "--learning_rate=0.001" in (tmp_path / "run" / "flags.txt").read_text().splitlines()
    model = tmp_path / "run" / "model"
    assert not is_adapter(model)
    assert not any("lora" in name for name in open_checkpoint(model).tensors)
    assert "| lora_rank | 2 |" in (model / "README.md").read_text()


def test_kept(encoder: Path, tables: Path, tmp_path: Path):
    flags = ("--lora_rank=2", "--lora_targets=query,key", "--lora_alpha=3", "--nolora_merge", "--learning_rate=1e-2")
    done = finetune(encoder, tables, tmp_path / "run", *flags, "--batch_size=16", "--epochs=1")
    assert done.status == 0, done.stderr
    model = tmp_path / "run" / "model"
    fields = json.loads((model / "adapter_config.json").read_text())
    assert (fields["r"], fields["lora_alpha"]) == (2, 3.0)
    assert fields["target_modules"] == ["attention.self.query", "attention.self.key"]
    scored = run_program("evaluate", f"--model={model}", f"--rows={tables}/dev.tsv", "--text=sentence")
    assert scored.status == 0, scored.stderr
    dev = json.loads((tmp_path / "run" / "metrics.json").read_text())["dev"]
    assert json.loads(scored.stdout)["accuracy"] == dev["accuracy"]
    assert open_task(model).row_settings == {"text": "sentence"}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--lora_rank=0"], "--lora_rank=0: expected 1 or more, such as 8"),
        (["--lora_rank=99"], "rank is 99; expected a whole number, 1 to the hidden size, 32"),
        (["--lora_alpha=8"], "--lora_alpha is for adapters; name their rank, such as --lora_rank=8"),
        (["--nolora_merge"], "--lora_merge is for adapters"),
        (["--lora_rank=2", "--lora_targets=quary"], "targets: no layer 'quary'"),
        (["--lora_rank=2", "--nolora_merge", "--layer=1"], "which --layer changes; leave one out"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_flags(flags: list[str], message: str, encoder: Path, tables: Path, tmp_path: Path):
    done = finetune(encoder, tables, tmp_path / "run", *flags)
    assert (done.status, message in done.error) == (2, True), done.stderr
    assert not (tmp_path / "run").exists()
