"""`keras-bert ask`: a question, questions, a conversation on a terminal; every refusal is one line."""

import functools
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.scripts.programs import ROOT, run_program
from tests.tasks import tiny_questions

pytest.importorskip("bm25s", reason="needs the search extra")


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("reader") / "model"
    tiny_questions.answerer().save_preset(folder)
    return folder


@pytest.fixture(scope="module")
def index(reader: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    (folder / "a.txt").write_text("Anna lived in Graz. Bela lived in Linz.\x1b[31m")
    (folder / "b.txt").write_text("Carl was born in 1066.")
    flags = ["--embedder=none", f"--tokenizer={reader}", "--max_tokens=12", "--overlap=0"]
    done = run_program("index", f"--documents={folder}/*.txt", f"--output={folder}/index", *flags)
    assert done.status == 0, done.stderr
    return folder / "index"


def test_a_question_without_a_flag_and_with_one(index: Path, reader: Path):
    models = [f"--index={index}", f"--reader={reader}"]
    done = run_program("ask", *models, "who lived in graz")
    assert done.status == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("1. ")
    assert lines[1].startswith(f"   {index.parent}/")
    assert "[[" in lines[2]
    assert run_program("ask", *models, "--question=who lived in graz").stdout == done.stdout
    assert "\x1b" not in done.stdout


def test_questions_a_line_as_json(index: Path, reader: Path):
    stdin = "who lived in graz\n\nwhen was carl born\n"
    done = run_program("ask", f"--index={index}", f"--reader={reader}", "--json", "--top_k=1", stdin=stdin)
    assert [row["question"] for row in done.json_lines] == ["who lived in graz", "when was carl born"]
    for row in done.json_lines:
        (answer,) = row["answers"]
        assert Path(answer["file"]).read_bytes()[answer["start"] : answer["end"]].decode() == answer["answer"]
    none = run_program("ask", f"--index={index}", f"--reader={reader}", "--threshold=1", "who lived in graz")
    assert none.stdout.strip() == "no answer in these documents"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "name the folder of the index, --index=FOLDER"),
        (["--index=INDEX"], "name the model that reads, --reader=FOLDER"),
        (
            ["--index=INDEX", "--reader=CLASSIFIER"],
            "is a BertClassifier; a reader is a model of finetune --task=answer",
        ),
        (["--index=/none", "--reader=READER"], "/none"),
        (["--index=INDEX", "--reader=READER", "a", "b"], "unexpected argument"),
        (["--index=INDEX", "--reader=READER", "--question=a", "--input=-"], "exclude each other"),
        (["--index=INDEX", "--reader=READER", " "], "there is nothing to search for"),
        (["--index=INDEX", "--reader=READER", "--method=meaning", "a"], "an index of words alone"),
        (["--index=INDEX", "--reader=READER", "--reranker_label=yes", "a"], "--reranker_label is the class of a"),
        (["--index=INDEX", "--reader=READER", "--reader_weight=2", "a"], "--reader_weight=2"),
    ],
)
def test_bad_input_is_one_line(flags: list[str], words: str, index: Path, reader: Path, classifier: Path):
    places = {"=INDEX": f"={index}", "=READER": f"={reader}", "=CLASSIFIER": f"={classifier}"}
    given = [functools.reduce(lambda text, name: text.replace(name, places[name]), places, flag) for flag in flags]
    done = run_program("ask", *given)
    assert done.status == 2
    assert words in done.error


@pytest.mark.slow
def test_a_conversation_on_a_terminal(index: Path, reader: Path):
    screen, keyboard = pty.openpty()
    command = [sys.executable, "-m", "keras_bert.scripts.ask", f"--index={index}", f"--reader={reader}"]
    with subprocess.Popen(command, cwd=ROOT, stdin=keyboard, stdout=keyboard, stderr=subprocess.DEVNULL) as process:
        os.close(keyboard)
        shown = read_until(screen, "? ")
        for typed, words in (
            (":sources", "there is no answer whose sources could be shown"),
            ("who lived in graz", "a.txt, bytes"),
            (":sources", "a.txt, bytes"),
            (":help", ":forget"),
            (":forget", "? "),
        ):
            os.write(screen, f"{typed}\n".encode())
            shown = read_until(screen, words)
            assert "\x1b[31m" not in shown  # of the document
        os.write(screen, b"\x04")
        assert process.wait(60) == 0
    os.close(screen)


def read_until(screen: int, words: str, seconds: float = 120) -> str:
    shown, end = "", time.monotonic() + seconds
    while words not in shown:
        assert time.monotonic() < end, shown
        shown += os.read(screen, 4096).decode()
    return shown
