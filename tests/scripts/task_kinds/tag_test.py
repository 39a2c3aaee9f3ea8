"""`--task=tag`: from a CoNLL file to a model that is scored and answers, by the programs."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.scripts.programs import BAD, GOOD, SUBJECTS, imported, run_program

# Two kinds of entities: a good thing, of one word or two, and a bad one.
TYPES = (("GOOD", GOOD), ("BAD", BAD))


def write_conll(path: Path, count: int, seed: int) -> Path:
    chooser = np.random.default_rng(seed)
    lines = []
    for index in range(count):
        type_, words = TYPES[chooser.integers(2)]
        lines += ["-DOCSTART- O", ""] if index % 4 == 0 else []
        lines += ["the O", f"{chooser.choice(words)} B-{type_}", f"{chooser.choice(SUBJECTS)} I-{type_}", "was O"]
        lines += [f"{chooser.choice(GOOD)} B-GOOD" if chooser.random() < 0.5 else "it O", ". O", ""]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conll")
    for seed, (name, count) in enumerate({"train": 96, "dev": 16}.items()):
        write_conll(folder / f"{name}.txt", count, seed)
    return folder


@pytest.fixture(scope="module")
def run(encoder: Path, files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tag"
    done = run_program(
        "finetune",
        "--task=tag",
        f"--preset={encoder}",
        f"--train={files}/train.txt",
        f"--dev={files}/dev.txt",
        f"--output={folder}",
        *("--batch_size=16", "--learning_rate=1e-2", "--max_length=24", "--epochs=8", "--document_context"),
    )
    assert done.status == 0, done.stderr
    assert "labels: O, B-BAD, I-BAD, B-GOOD, I-GOOD" in done.stdout
    return folder


def test_it_learns_and_what_it_leaves_is_scored_alike(run: Path, files: Path):
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["dev"]["f1"] > 0.9
    assert {"loss", "precision", "recall", "f1", "accuracy", "f1_GOOD", "f1_BAD"} <= set(metrics["dev"])
    (scores,) = run_program("evaluate", f"--model={run}/model", f"--rows={files}/dev.txt").json_lines
    assert scores == pytest.approx(metrics["dev"], abs=1e-5)


def test_the_model_answers(run: Path):
    text = "The dull book was great. The warm film was it. The bad song was it."
    (answer,) = run_program("predict", f"--model={run}/model", stdin=text).json_lines
    assert answer["text"] == text
    found = [(entity["text"], entity["label"]) for entity in answer["entities"]]
    assert found == [("dull book", "BAD"), ("great", "GOOD"), ("warm film", "GOOD"), ("bad song", "BAD")]
    assert all(text[entity["start"] : entity["end"]] == entity["text"] for entity in answer["entities"])


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--pooling=mean"], "--pooling does not go with --task=tag"),
        (["--text_pair=b"], "--text_pair does not go with --task=tag"),
        (["--class_weights=balanced"], "--class_weights is for --task=classify"),
        (["--tag_column=5"], "line 3: no column 5"),
        (["--tag_scheme=BIOES"], "cannot stand behind"),
        (["--window_stride=0"], "window_stride"),
    ],
)
def test_bad_flags(flags: list[str], words: str, encoder: Path, files: Path, tmp_path: Path):
    arguments = ["--task=tag", f"--preset={encoder}", f"--train={files}/train.txt", f"--output={tmp_path}/run"]
    assert words in run_program("finetune", *arguments, *flags).stderr
    assert not (tmp_path / "run").exists()


def test_an_unknown_tag_in_the_rows_to_score(run: Path, tmp_path: Path):
    path = tmp_path / "other.txt"
    path.write_text("-DOCSTART- O\n\na B-X\n")
    done = run_program("evaluate", f"--model={run}/model", f"--rows={path}")
    assert done.error.startswith(f"{path}, line 3: unknown tag 'B-X'")


def test_documents_that_a_model_needs(run: Path, tmp_path: Path):
    path = tmp_path / "other.txt"
    path.write_text("a O\n")
    assert "no -DOCSTART- line" in run_program("evaluate", f"--model={run}/model", f"--rows={path}").error


def test_labels_learnt_as_they_were_are_read_as_they_are(tmp_path: Path):
    """What `finetune --tag_scheme=plain` made is scored without the flag."""
    path = tmp_path / "rows.txt"
    path.write_text("a PER\nb O\n\nc I-LOC\nd B-LOC\n")
    task = SimpleNamespace(row_labels=["O", "PER", "I-LOC", "B-LOC"], scheme="plain", document_context=False)
    with imported("task_kinds.tag") as program:
        program.FLAGS.mark_as_parsed()
        rows = program.Tag().read_for(task, str(path))
    assert [row["label"].tolist() for row in rows.as_numpy_iterator()] == [[b"PER", b"O"], [b"I-LOC", b"B-LOC"]]
