"""`keras-bert evaluate --index`: the search alone by a table, a reader by SQuAD's layout; what does not go together."""

import json
from pathlib import Path

import pytest

from tests.scripts.programs import run_program
from tests.tasks import tiny_questions

pytest.importorskip("bm25s", reason="needs the search extra")
pytest.importorskip("ir_measures", reason="needs the search extra")

CONTEXTS = ["anna lived in graz.", "bela lived in linz.", "carl was born in rome."]


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("scored")
    tiny_questions.answerer().save_preset(folder / "reader")
    (folder / "docs.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in CONTEXTS))
    flags = ["--embedder=none", f"--tokenizer={folder}/reader"]
    assert run_program("index", f"--documents={folder}/docs.jsonl", f"--output={folder}/index", *flags).status == 0
    pairs = [("who lived in graz", CONTEXTS[0]), ("where is linz", CONTEXTS[1]), ("who", "nowhere")]
    lines = ["question\tpassage", *("\t".join(pair) for pair in pairs)]
    (folder / "pairs.tsv").write_text("\n".join(lines) + "\n")
    asked = [{"id": "1", "question": pairs[0][0], "answers": [{"text": "anna", "answer_start": 0}]}]
    squad = {"data": [{"paragraphs": [{"context": CONTEXTS[0], "qas": asked}]}]}
    (folder / "squad.json").write_text(json.dumps(squad))
    return folder


def test_the_search_alone(files: Path):
    flags = [f"--rows={files}/pairs.tsv", "--text=question", "--text_pair=passage"]
    done = run_program("evaluate", f"--index={files}/index", *flags)
    assert done.status == 0, done.stderr
    scores = json.loads(done.stdout)
    assert scores["questions"] == 3
    assert scores["search"]["success_at_1"] == pytest.approx(2 / 3)
    assert scores["search"]["missing"] == pytest.approx(1 / 3)
    assert "answers" not in scores


def test_a_reader_too(files: Path, tmp_path: Path):
    flags = [f"--model={files}/reader", f"--rows={files}/squad.json", f"--output={tmp_path}/scores.json"]
    done = run_program("evaluate", f"--index={files}/index", *flags, "--passages=1")
    assert done.status == 0, done.stderr
    scores = json.loads(done.stdout)
    assert scores["search"]["mrr"] == 1.0
    # The only passage that is read is the right one.
    assert scores["answers"]["f1"] == scores["answers"]["given_f1"]
    assert json.loads((tmp_path / "scores.json").read_text()) == scores


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--passages=3"], "--passages is for --index"),
        (["--index=FILES/index", "--rows=FILES/pairs.tsv", "--model=FILES/reader"], "a reader is scored by answers"),
        (["--index=FILES/none", "--rows=FILES/squad.json"], "none"),
        (["--index=FILES/index", "--rows=FILES/squad.json", "--method=meaning"], "an index of words alone"),
    ],
)
def test_bad_input_is_one_line(flags: list[str], words: str, files: Path):
    done = run_program("evaluate", *(flag.replace("FILES", str(files)) for flag in flags))
    assert done.status == 2
    assert words in done.error
