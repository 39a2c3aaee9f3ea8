"""`keras-bert attack`: from a model and rows to numbers, sentences and rows to train on."""

import json
from pathlib import Path

import pytest

from keras_bert.data import read
from tests.scripts.programs import rows, run_program, write_table
from tests.tasks import tiny

SYNONYMS = {"good": ["bad", "dull"], "bad": ["good", "fine"], "great": ["poor"], "film": ["book"], "the": ["a"]}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "rows.tsv", ("sentence", "label"), rows(24))


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_numbers_sentences_and_rows_to_train_on(classifier: Path, table: Path, tmp_path: Path):
    (tmp_path / "synonyms.json").write_text(json.dumps(SYNONYMS))
    (tmp_path / "stop.txt").write_text("the\nThat\n")
    flags = ("--kind=synonyms", f"--synonyms={tmp_path}/synonyms.json", "--text=sentence", "--max_share=1", "--show=2")
    files = (
        f"--output={tmp_path}/out.jsonl",
        f"--augmented={tmp_path}/more.jsonl",
        f"--stop_words={tmp_path}/stop.txt",
    )
    done = run_program("attack", f"--model={classifier}", f"--rows={table}", "--limit=20", *flags, *files)
    *shown, numbers = done.json_lines
    found = lines_of(tmp_path / "out.jsonl")
    assert len(found) == numbers["rows"] == 20
    statuses = [row["status"] for row in found]
    assert numbers["accuracy_before"] == 1 - statuses.count("skipped") / 20
    assert numbers["accuracy_after"] == statuses.count("held") / 20
    assert len(shown) == min(2, numbers["broken"])
    assert all("→" in line["broken"] for line in shown)
    for row in found:
        for change in row["changes"]:
            assert row["text"][change["start"] : change["end"]] == change["original"] != "the"
            assert row["attacked_text"][change["new_start"] : change["new_end"]] == change["replacement"]
    augmented = lines_of(tmp_path / "more.jsonl")
    assert len(augmented) == 24 + numbers["broken"]
    assert set(augmented[0]) == {"sentence", "label"}
    broken = [row for row in found if row["status"] == "broken"]
    assert augmented[24:] == [{"sentence": row["attacked_text"], "label": row["label"]} for row in broken]
    assert len(list(read(tmp_path / "more.jsonl", text="sentence", label="label"))) == len(augmented)


def test_other_models_help(classifier: Path, table: Path, tmp_path: Path):
    filler, embedder = tmp_path / "filler", tmp_path / "embedder"
    tiny.pretrainer().save_preset(filler)
    tiny.embedder().save_preset(embedder)
    flags = (f"--filler={filler}", f"--embedder={embedder}", "--similarity=-1", "--text=sentence", "--order=unk")
    done = run_program(
        "attack", f"--model={classifier}", f"--rows={table}", "--kind=masked_words", "--limit=4", "--queries=9", *flags
    )
    numbers = done.json_lines[-1]
    assert (numbers["kind"], numbers["order"], numbers["similarity"]) == ("masked_words", "unk", -1.0)
    assert numbers["queries"] <= 9 * 4


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--kind=synonyms"], "kind='synonyms' needs synonyms=: a list of them"),
        (["--kind=synonyms", "--synonyms=nothing/here.json"], "nothing/here.json: no such file"),
        (["--kind=masked_words", "--filler=MODEL"], "MODEL: has no trained masked-word head"),
        (["--augmented=OUT/more.tsv"], "rows are written as JSON lines; let its name end in .jsonl"),
        (["--output=OUT/none/out.jsonl"], "there is no folder"),
        (["--text_pair=label"], "the model takes one text, not pairs"),
        (["--similarity=0.5"], "say embedder=, a BertEmbedder too"),
        (["--weight=label"], "--weight: an attack counts every row once"),
        (["--max_share=2"], "max_share 2: expected a share above 0, up to 1"),
    ],
    ids=str,
)
def test_bad_flags(flags: list[str], message: str, classifier: Path, table: Path, tmp_path: Path):
    given = [flag.replace("MODEL", str(classifier)).replace("OUT", str(tmp_path)) for flag in flags]
    done = run_program("attack", f"--model={classifier}", f"--rows={table}", "--text=sentence", *given)
    assert message.replace("MODEL", str(classifier)) in done.error


def test_other_tasks_are_refused_by_name(regressor: Path, several_classifier: Path, table: Path):
    done = run_program("attack", f"--model={regressor}", f"--rows={table}", "--text=sentence", "--text_pair=label")
    assert "a BertRegressor has no one class to be wrong in" in done.error
    done = run_program("attack", f"--model={several_classifier}", f"--rows={table}", "--text=sentence")
    assert "gives several labels a row" in done.error
