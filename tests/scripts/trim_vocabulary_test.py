"""`keras-bert trim-vocabulary`: from a model and its rows to a smaller folder."""

import shutil
from pathlib import Path

import pytest

from keras_bert.tasks import open_task
from tests.scripts.programs import VOCABULARY, run_program, write_table

TEXTS = ["the film was good", "a bad book"] * 10


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write_table(tmp_path / "rows.tsv", ("text", "label"), [(text, "x") for text in TEXTS])


def test_a_smaller_folder_answers_as_before(classifier: Path, rows: Path, tmp_path: Path):
    done = run_program("trim_vocabulary", f"--preset={classifier}", f"--rows={rows}", f"--output={tmp_path}/small")
    assert done.status == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "entries, chosen by 18 texts" in lines[-3]
    assert "% less" in lines[-2]
    assert lines[-1] == "  held-out texts: 0.00% of their pieces are others now"
    small, whole = open_task(tmp_path / "small"), open_task(classifier)
    assert small.tokenizer.vocabulary_size < len(VOCABULARY)
    for answer, other in zip(whole.answer(TEXTS[:2]), small.answer(TEXTS[:2]), strict=True):
        assert (other["label"], other["score"]) == (answer["label"], pytest.approx(answer["score"], abs=1e-6))


def test_lines_words_and_counts(classifier: Path, tmp_path: Path):
    (tmp_path / "lines.txt").write_text("\n".join(TEXTS) + "\n")
    (tmp_path / "words.txt").write_text("garden\n")
    flags = (f"--rows={tmp_path}/lines.txt", f"--keep_words={tmp_path}/words.txt", "--short=0", "--held_out=0")
    done = run_program("trim_vocabulary", f"--preset={classifier}", *flags, f"--output={tmp_path}/small")
    assert done.status == 0, done.stderr
    assert "held-out" not in done.stdout
    vocabulary = (tmp_path / "small" / "vocab.txt").read_text().split()
    assert "garden" in vocabulary
    assert "city" not in vocabulary


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--held_out=1"], "--held_out=1 leaves every row out"),
        (["--rows=none.tsv"], "none.tsv"),
        (["--keep_words=none.txt"], "none.txt"),
        (["--text=nothing"], "nothing"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_bad_flags(flags: list[str], message: str, classifier: Path, rows: Path, tmp_path: Path):
    given = (f"--preset={classifier}", f"--rows={rows}", f"--output={tmp_path}/small")
    done = run_program("trim_vocabulary", *given, *flags)
    assert (done.status, message in done.error) == (2, True), done.stderr
    assert not (tmp_path / "small").exists()


def test_the_model_itself_and_no_texts(classifier: Path, rows: Path, tmp_path: Path):
    shutil.copytree(classifier, tmp_path / "run" / "model")
    for output in (tmp_path / "run" / "model", tmp_path / "run"):
        given = (f"--preset={tmp_path}/run/model", f"--rows={rows}", f"--output={output}", "--overwrite")
        own = run_program("trim_vocabulary", *given)
        assert "is or holds the checkpoint that is read; choose another folder" in own.error
    assert (tmp_path / "run" / "model" / "config.json").is_file()
    (tmp_path / "empty.txt").write_text("")
    none = run_program(
        "trim_vocabulary", f"--preset={classifier}", f"--rows={tmp_path}/empty.txt", f"--output={tmp_path}/a"
    )
    assert "empty.txt: the file is empty" in none.error
