"""`keras-bert distill`: from a teacher's folder and rows to the folder of a student."""

import json
from pathlib import Path

import pytest

from keras_bert.tasks import open_task
from tests.scripts.programs import SUBJECTS, run_program


def distill(teacher: Path, tables: Path, output: Path, *flags: str):
    rows = (f"--train={tables}/train.tsv", "--text=sentence")
    training = ("--batch_size=32", "--learning_rate=1e-2", "--noplots")
    return run_program("distill", f"--teacher={teacher}", *rows, *training, f"--output={output}", *flags)


def test_a_run_leaves_a_student(classifier: Path, tables: Path, tmp_path: Path):
    flags = ("--layers=1", "--epochs=1", f"--dev={tables}/dev.tsv", f"--cache={tmp_path}/cache", "--label_share=0.2")
    done = distill(classifier, tables, tmp_path / "run", *flags)
    assert done.status == 0, done.stderr
    assert "train:   128 rows of" in done.stdout
    assert "teacher: 2 layers of 32 units" in done.stdout
    assert "student: 1 layers of 32 units" in done.stdout
    assert f"cache:   {tmp_path}/cache, outputs of the teacher for " in done.stdout
    assert {path.name for path in (tmp_path / "run").iterdir()} >= {"model", "metrics.json", "log.csv", "flags.txt"}
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics == done.json_lines[-1]
    student = open_task(tmp_path / "run" / "model")
    assert (type(student).__name__, student.encoder.config.num_hidden_layers) == ("BertClassifier", 1)
    assert list(student.labels) == ["bad", "good"]
    card = (tmp_path / "run" / "model" / "README.md").read_text()
    assert f"layers 0 of the teacher; distilled from {classifier}" in card
    header = (tmp_path / "run" / "log.csv").read_text().splitlines()[0].split(",")
    assert {"outputs_loss", "val_accuracy"} <= set(header)


@pytest.mark.slow
def test_texts_without_labels_and_an_encoder_without_a_head(encoder: Path, tmp_path: Path):
    (tmp_path / "texts.txt").write_text("\n".join(f"the {subject} was good" for subject in SUBJECTS) + "\n\n")
    flags = ("--relations=QQ,VV", "--relation_heads=2", "--layers=1", "--hidden_size=8", "--label_share=0", "--dry_run")
    done = run_program(
        "distill", f"--teacher={encoder}", f"--train={tmp_path}/texts.txt", f"--output={tmp_path}/run", *flags
    )
    assert done.status == 0, done.stderr
    assert "train:   8 rows of" in done.stdout
    assert "dry run: all is well; 1 steps an epoch" in done.stdout
    assert not (tmp_path / "run").exists()
    texts = (f"--train={tmp_path}/texts.txt", f"--output={tmp_path}/run", "--layers=1")
    done = run_program("distill", f"--teacher={encoder}", *texts)
    assert "texts.txt: lines of text have no labels; learn from the teacher alone, --label_share=0" in done.error


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--layers=3"], "layers=3: the teacher has 2 to copy"),
        (["--teacher_layers=0,7"], "some of the teacher's layers 0 to 1"),
        (["--teacher_layers=0", "--hidden_size=64"], "layers are copied as wide as they are"),
        (["--layers=1", "--train=none.tsv"], "none.tsv"),
        (["--layers=1", "--text=nothing"], "nothing"),
        (["--layers=1", "--label=sentence"], "sentence"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_flags(flags: list[str], message: str, classifier: Path, tables: Path, tmp_path: Path):
    done = distill(classifier, tables, tmp_path / "run", *flags)
    assert (done.status, message in done.error) == (2, True), done.stderr
    assert not (tmp_path / "run").exists()
