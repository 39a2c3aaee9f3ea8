"""`keras-bert explain`: texts in, JSON lines out, and one line for what it cannot explain."""

import json
from pathlib import Path

import pytest
import tensorflow as tf

from tests.scripts.programs import rows, run_program, write_table
from tests.tasks import tiny
from tests.tasks.tiny_tags import tagger


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "rows.tsv", ("sentence", "label"), rows(6))


def test_rows_of_a_file(classifier: Path, table: Path, tmp_path: Path):
    output = tmp_path / "explained.jsonl"
    flags = (f"--rows={table}", "--text=sentence", f"--output={output}", "--limit=3", "--target=good")
    flags = (*flags, f"--page={tmp_path}/explained.html", f"--plot={tmp_path}/explained.png")
    done = run_program("explain", f"--model={classifier}", *flags)
    assert done.status == 0, done.stderr
    lines = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [line["texts"]["text"] for line in lines] == [row[0] for row in rows(3)]
    for line in lines:
        assert (line["label"], line["method"], line["task"]) == ("good", "integrated_gradients", "BertClassifier")
        assert line["gap"] <= 0.01
        assert all(line["texts"]["text"][word["start"] : word["end"]] == word["text"] for word in line["words"])
    page = (tmp_path / "explained.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert page.count("<article") == 3
    assert (tmp_path / "explained.png").read_bytes().startswith(b"\x89PNG")


def test_lines_of_standard_input(classifier: Path, pair_classifier: Path):
    flags = ("--method=attention", "--layers=1,2", "--heads=2")
    done = run_program("explain", f"--model={classifier}", *flags, stdin="a good film\nso dull\n")
    first, second = done.json_lines
    assert [len(found["maps"][0]["tokens"]) for found in (first, second)] == [5, 4]
    done = run_program("explain", f"--model={pair_classifier}", "--method=occlusion", stdin="a good film\tso dull\n")
    (found,) = done.json_lines
    assert [word["field"] for word in found["words"]] == ["text"] * 3 + ["text_pair"] * 2


def test_two_texts_of_an_embedder(tmp_path: Path):
    tiny.embedder().save_preset(tmp_path / "model")
    table = write_table(tmp_path / "pairs.tsv", ("a", "b"), [("a good film", "a fine film")])
    flags = (f"--rows={table}", "--text=a", "--text_pair=b", "--method=gradient_x_input")
    (found,) = run_program("explain", f"--model={tmp_path}/model", *flags).json_lines
    assert (found["label"], len(found["words"])) == ("similarity", 6)
    assert found["score"] == pytest.approx(found["answer"]["similarity"], abs=1e-5)


def test_an_entity_by_its_number(tmp_path: Path):
    tagger(config=tiny.without_dropout()).save_preset(tmp_path / "model")
    text = "the film was bad and the food good"
    flags = ("--method=gradient_x_input", "--target=1")
    (found,) = run_program("explain", f"--model={tmp_path}/model", *flags, stdin=text + "\n").json_lines
    assert found["label"] == f"{found['answer']['label']}: {found['answer']['text']}"
    assert found["answer"]["start"] > 0


def test_an_export_with_the_signature(classifier: Path, tmp_path: Path):
    done = run_program("export", f"--model={classifier}", f"--output={tmp_path}/1", "--explain")
    assert done.status == 0, done.stderr
    explain = tf.saved_model.load(str(tmp_path / "1")).signatures["explain"]
    assert explain(text=tf.constant(["a good film"]))["count"].numpy().tolist() == [3]
    done = run_program("export", f"--model={classifier}", f"--output={tmp_path}/2", "--explain", "--format=onnx")
    assert done.error == "--explain is of SavedModels; --format=onnx has none"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--method=lime"], "method must be one of integrated_gradients, gradient_x_input, attention, rollout, "),
        (["--target=fine"], "target='fine' is none of the classes: bad, good"),
        (
            ["--method=occlusion", "--steps=3"],
            "steps is an option of integrated_gradients; method='occlusion' has none",
        ),
        (["--method=attention", "--layers=x"], "--layers=x: expected numbers, such as 1,2"),
        (["--method=attention", "--heads=9"], "heads=[9]: the model has 4 heads, from 1 to 4"),
        (["--words=tokens"], "--words: texts are explained, not words; name the column of the texts, --text=COLUMN"),
        (["--text_pair=label"], "the model takes one text, not pairs; leave out --text_pair"),
    ],
    ids=str,
)
def test_bad_flags(flags: list[str], message: str, classifier: Path, table: Path, tmp_path: Path):
    given = (f"--model={classifier}", f"--rows={table}", "--text=sentence", f"--output={tmp_path}/out.jsonl")
    done = run_program("explain", *given, *flags)
    assert message in done.error
    assert not (tmp_path / "out.jsonl").exists()
