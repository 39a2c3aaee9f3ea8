"""`keras-bert prune`: from a model and its rows to a smaller folder."""

from pathlib import Path

import pytest

from keras_bert.tasks import open_task
from tests.scripts.programs import rows, run_program, write_table


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "rows.tsv", ("text", "label"), rows(24))


def test_columns_layers_and_a_picture(classifier: Path, table: Path, tmp_path: Path):
    flags = ("--keep_ffn=0.5", "--keep_heads=0.5", "--keep_layers=1", "--max_rows=20")
    files = (f"--rows={table}", f"--plot={tmp_path}/importance.png", f"--output={tmp_path}/small")
    done = run_program("prune", f"--model={classifier}", *files, *flags)
    assert done.status == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-3] == "importance measured on 20 rows"
    assert "pruned: 32 of 64 feed-forward columns a layer, 2 of 4 heads, 1 of 2 layers (1)" in lines[-2]
    assert (tmp_path / "importance.png").read_bytes().startswith(b"\x89PNG")
    small = open_task(tmp_path / "small")
    config = small.encoder.config
    assert (config.intermediate_size, config.num_attention_heads, config.head_size) == (32, 2, 8)
    assert config.num_hidden_layers == 1
    assert small.answer(["the film was good"])[0]["label"] in ("bad", "good")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--keep_ffn=0"], "--keep_ffn=0: expected a share above 0, up to 1"),
        ([], "nothing is to go: name --keep_ffn or --keep_heads below 1, such as 0.5, or --keep_layers"),
        (["--keep_heads=1.5"], "--keep_heads=1.5: expected a share above 0, up to 1"),
        (["--keep_layers=0"], "keep_layers is 0; there are 2 layers"),
        (["--keep_layers=two"], "--keep_layers=two: expected numbers, such as 4, or 1,2,4,6"),
        (["--keep_ffn=0.5", "--rows="], "importance is measured on rows: name them, --rows=FILE"),
    ],
    ids=str,
)
def test_bad_flags(flags: list[str], message: str, classifier: Path, table: Path, tmp_path: Path):
    given = (f"--model={classifier}", f"--rows={table}", f"--output={tmp_path}/small")
    done = run_program("prune", *given, *flags)
    assert (done.status, message in done.error) == (2, True), done.stderr
    assert not (tmp_path / "small").exists()
