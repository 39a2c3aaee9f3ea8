"""Flags of a student and its lessons that are refused before a teacher is opened."""

from pathlib import Path

import pytest

from tests.scripts.programs import run_program


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "say what the student is: --layers=3, --teacher_layers=0,2,4, or --student=CHECKPOINT"),
        (["--layers=1", "--student=x"], "--student and --layers exclude each other"),
        (["--teacher_layers=0,x"], "--teacher_layers: expected whole numbers, such as 0,2,4, received: 0,x"),
        (["--layers=1", "--replacement_share=0.5"], "--replacement_share goes with --replacement_rate"),
        (["--layers=1", "--relation_heads=2"], "--relation_heads goes with --relations"),
        (["--layers=1", "--label_share=2"], "label_share is a share, from 0 to 1"),
        (["--layers=1", "--monitor=f1"], "--monitor needs --dev"),
        (["--layers=0"], "--layers"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_flags(flags: list[str], message: str, tmp_path: Path):
    (tmp_path / "rows.tsv").write_text("text\tlabel\na\tb\n")
    given = (f"--teacher={tmp_path}/none", f"--train={tmp_path}/rows.tsv", f"--output={tmp_path}/run", "--noplots")
    done = run_program("distill", *given, *flags)
    assert (done.status, message in done.error) == (2, True), done.stderr
    assert not (tmp_path / "run").exists()
