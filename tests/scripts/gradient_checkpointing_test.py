"""`--gradient_checkpointing` reaches the encoder of both training programs; the truth is the encoder itself."""

from pathlib import Path
from typing import Any

import pytest

from keras_bert.tasks.base.task import BertTask
from tests.scripts.programs import VOCABULARY, run_program


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the encoder has the switch on, each time a program begins to train."""
    switches = []
    fit = BertTask.fit

    def noted(self: BertTask, *arguments: Any, **options: Any) -> Any:
        switches.append(self.encoder.gradient_checkpointing)
        return fit(self, *arguments, **options)

    monkeypatch.setattr(BertTask, "fit", noted)
    return switches


@pytest.mark.slow
@pytest.mark.parametrize("flag", ["--gradient_checkpointing", "--nogradient_checkpointing"])
def test_finetune(flag: str, seen: list[bool], encoder: Path, tables: Path, tmp_path: Path):
    flags = [
        f"--preset={encoder}",
        f"--train={tables}/train.tsv",
        "--text=sentence",
        "--label=label",
        "--max_length=24",
    ]
    done = run_program("finetune", f"--output={tmp_path}/run", *flags, "--dry_run", flag)
    assert done.status == 0, done.stderr
    assert seen == [flag == "--gradient_checkpointing"]


@pytest.mark.slow
def test_pretrain(seen: list[bool], encoder: Path, tmp_path: Path):
    (tmp_path / "text.txt").write_text("".join(f"{word} {word}\n\n" for word in VOCABULARY[5:] for _ in range(4)))
    flags = [f"--text={tmp_path}/text.txt", f"--preset={encoder}", "--phase=16:1", "--steps=1", "--noplots"]
    done = run_program("pretrain", f"--output={tmp_path}/run", *flags, "--objective=mlm", "--gradient_checkpointing")
    assert done.status == 0, done.stderr
    assert seen == [True]
