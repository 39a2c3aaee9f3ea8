"""Every program opens a word table that is longer than its vocabulary, when it is told to."""

from pathlib import Path

import pytest

from keras_bert.tasks import open_task
from tests.scripts.model_settings_test import write_foreign
from tests.scripts.programs import run_program, write_table


@pytest.mark.slow
def test_word_tables_with_spare_rows_open_in_every_program(classifier: Path, tmp_path: Path):
    folder = write_foreign(tmp_path / "foreign", classifier)
    entries = (folder / "vocab.txt").read_text().splitlines()
    (folder / "vocab.txt").write_text("\n".join(entries[:-1]) + "\n")
    rows = write_table(tmp_path / "rows.tsv", ("text", "label"), [("good film", "LABEL_0"), ("film", "LABEL_1")])
    programs = {
        "predict": (f"--model={folder}", f"--input={rows}"),
        "evaluate": (f"--model={folder}", f"--rows={rows}"),
        "export": (f"--model={folder}", f"--output={tmp_path}/served/1"),
        "finetune": (f"--preset={folder}", f"--train={rows}", "--dry_run", "--max_length=16"),
        "tokenize": (f"--preset={folder}", f"--input={rows}"),
        "convert": (f"--preset={folder}", f"--output={tmp_path}/whole"),
    }
    for name, flags in programs.items():
        refused = run_program(name, *flags)
        assert "--pad_vocabulary of the programs" in refused.error
        done = run_program(name, *flags, "--pad_vocabulary")
        assert done.status == 0, done.stderr
    (answer,) = run_program("predict", f"--model={folder}", "--pad_vocabulary", stdin="good film").json_lines
    (expected,) = open_task(classifier).answer(["good film"])
    assert answer["score"] == pytest.approx(expected["score"], abs=1e-5)
