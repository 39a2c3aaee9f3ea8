"""`keras-bert evaluate`: the scores of the library, on the rows of a file."""

import json
from pathlib import Path

import numpy as np
import pytest

from keras_bert.tasks import open_task
from tests.scripts.programs import rows, run_program, write_table

COLUMNS = ("--text=sentence", "--label=label")


def test_scores_are_those_of_the_answers(classifier: Path, tables: Path, tmp_path: Path):
    """Accuracy is counted here from the answers, one by one."""
    done = run_program(
        "evaluate",
        f"--model={classifier}",
        f"--rows={tables}/dev.tsv",
        *COLUMNS,
        f"--output={tmp_path}/scores.json",
        f"--confusion={tmp_path}/confusion.png",
    )
    (scores,) = done.json_lines
    texts, labels = zip(*rows(32, seed=1), strict=True)
    answered = [answer["label"] for answer in open_task(classifier).answer(texts)]
    assert scores["accuracy"] == pytest.approx(np.mean([a == b for a, b in zip(answered, labels, strict=True)]))
    assert set(scores) == {"loss", "accuracy", "f1", "f1_bad", "f1_good", "matthews"}
    assert json.loads((tmp_path / "scores.json").read_text()) == scores
    assert (tmp_path / "confusion.png").read_bytes().startswith(b"\x89PNG")


def test_pairs_and_numbers(regressor: Path, tmp_path: Path):
    path = write_table(
        tmp_path / "rows.csv", ("a", "b", "score"), [("film", "good", "1.5"), ("food", "bad", "0"), ("a", "the", "5")]
    )
    columns = ("--text=a", "--text_pair=b", "--label=score")
    (scores,) = run_program("evaluate", f"--model={regressor}", f"--rows={path}", *columns).json_lines
    assert set(scores) == {"loss", "pearson", "spearman", "mse"}
    done = run_program("evaluate", f"--model={regressor}", f"--rows={path}", *columns, "--confusion=confusion.png")
    assert done.error == "--confusion: the rows of this task do not have one class each"


def test_several_labels(several_classifier: Path, tmp_path: Path):
    path = write_table(tmp_path / "rows.tsv", ("text", "label"), [("film", "cheap|loud"), ("food", ""), ("a", "fast")])
    (scores,) = run_program("evaluate", f"--model={several_classifier}", f"--rows={path}").json_lines
    assert set(scores) == {"loss", "accuracy", "micro_f1", "macro_f1"}


def test_a_label_that_the_model_does_not_know(classifier: Path, tmp_path: Path):
    path = write_table(tmp_path / "rows.tsv", ("text", "label"), [("film", "good"), ("food", "fair")])
    done = run_program("evaluate", f"--model={classifier}", f"--rows={path}", f"--output={tmp_path}/scores.json")
    assert done.error == f"{path}, line 3: field 'label': unknown label 'fair'; expected one of 'bad', 'good'"
    assert not (tmp_path / "scores.json").exists()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--text=text"], "no column 'text'; the columns are: 'sentence', 'label'"),
        (["--output=none/scores.json"], "none/scores.json: there is no folder none"),
        (["--confusion=none/confusion.png"], "none/confusion.png: there is no folder none"),
        (["--text_pair=label"], "the model takes one text, not pairs; leave out --text_pair"),
        (["--model=runs/none"], "runs/none: no such folder or preset"),
        (["--rows=none.tsv"], "none.tsv: no such file"),
        (["--rows=library_docs:testt"], "library_docs: no split 'testt'; the splits are: train, dev, test"),
    ],
)
def test_bad_input(classifier: Path, tables: Path, flags: list[str], words: str):
    done = run_program("evaluate", f"--model={classifier}", f"--rows={tables}/dev.tsv", *COLUMNS, *flags)
    assert words in done.error
    assert done.stdout == ""


def test_a_pair_model_needs_the_second_column(pair_classifier: Path, tables: Path):
    done = run_program("evaluate", f"--model={pair_classifier}", f"--rows={tables}/dev.tsv", *COLUMNS)
    assert done.error == (
        f"{tables}/dev.tsv: the model takes pairs of texts; name the column of the second, --text_pair=COLUMN"
    )


def test_a_missing_extra_is_named(classifier: Path, tables: Path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.metrics", None)
    done = run_program("evaluate", f"--model={classifier}", f"--rows={tables}/dev.tsv", *COLUMNS)
    assert done.error == "sklearn is not installed; pip install 'bert-for-keras[train]'"
