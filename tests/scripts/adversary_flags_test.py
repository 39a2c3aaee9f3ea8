"""`keras-bert finetune --adversary=...`."""

import dataclasses
from pathlib import Path

import pytest

from keras_bert.tasks.base import part_of_step
from keras_bert.training.adversary import ADVERSARIES, FreeLb
from tests.scripts.programs import imported, run_program


def finetune(encoder: Path, tables: Path, output: Path, *flags: str):
    given = (f"--preset={encoder}", f"--output={output}", "--text=sentence", "--max_length=16", "--noplots")
    parts = [f"--{part}={tables}/{part}.tsv" for part in ("train", "dev")]
    return run_program("finetune", *given, *parts, *flags)


def test_a_run_with_an_adversary(encoder: Path, tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen = []
    step = part_of_step.with_adversary
    monkeypatch.setattr(
        "keras_bert.tasks.base.global_batch.with_adversary",
        lambda model, adversary, data: seen.append(adversary) or step(model, adversary, data),
    )
    flags = ("--adversary=freelb", "--adversary_epsilon=0.3", "--adversary_init=0", "--seed=7", "--batch_size=64")
    done = finetune(encoder, tables, tmp_path / "run", *flags, "--epochs=1")
    assert done.status == 0, done.stderr
    assert seen == [FreeLb(epsilon=0.3, init=0.0, seed=7)]
    assert "adversary" in (tmp_path / "run" / "model" / "README.md").read_text()
    assert "--adversary=freelb" in (tmp_path / "run" / "flags.txt").read_text().splitlines()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--adversary_steps=2"], "--adversary_steps is a setting of an adversary; name one: --adversary=fgm"),
        (
            ["--adversary=rdrop", "--adversary_epsilon=1"],
            "--adversary_epsilon is no setting of --adversary=rdrop, which has: --adversary_weight",
        ),
        (
            ["--adversary=fgm", "--adversary_weight=1"],
            "--adversary_weight is no setting of --adversary=fgm, which has: --adversary_epsilon",
        ),
        (["--adversary=smart", "--dtype_policy=mixed_bfloat16"], "moves words by less than bfloat16 can tell apart"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_flags(flags: list[str], message: str, encoder: Path, tables: Path, tmp_path: Path):
    done = finetune(encoder, tables, tmp_path / "run", *flags)
    assert (done.status, message in done.error) == (2, True), done.stderr
    assert not (tmp_path / "run").exists()


def test_every_setting_of_every_adversary_has_a_flag():
    fields = {field.name for kind in ADVERSARIES.values() for field in dataclasses.fields(kind)}
    with imported("adversary_flags") as adversary_flags:
        assert set(adversary_flags.NAMES) == set(ADVERSARIES)
        assert fields - {"seed", "noise"} == set(adversary_flags.SETTINGS)
