"""`keras-bert index`: documents in, an index that `keras-bert search` asks; every refusal is one line."""

import json
from pathlib import Path

import pytest

from keras_bert.retrieval import Index
from tests.scripts.programs import VOCABULARY, Result, run_program
from tests.tasks import tiny

pytest.importorskip("bm25s", reason="needs the search extra")


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    (tmp_path / "documents").mkdir()
    for name, text in (("a.txt", "The film was good. So warm."), ("b, c.md", "# Food\n\nThe food was cold and bad.")):
        (tmp_path / "documents" / name).write_text(text, encoding="utf-8")
    return tmp_path / "documents"


def index(folder: Path, *flags: str) -> Result:
    return run_program("index", f"--output={folder}", *flags)


def search(folder: Path, *flags: str, stdin: str = "") -> Result:
    return run_program("search", f"--index={folder}", *flags, stdin=stdin)


def test_documents_are_indexed_and_found(documents: Path, encoder: Path, tmp_path: Path):
    folder = tmp_path / "index"
    done = index(folder, f"--documents={documents}/**", f"--embedder={encoder}", "--max_tokens=8")
    assert (done.status, done.stdout) == (0, ""), done.stderr
    assert f"{folder}: 2 files, 3 passages, 0.0 MB, in" in done.stderr
    opened = Index.open(folder, encoder)
    for method in ("words", "meaning", "both"):
        answers = search(folder, f"--method={method}", "--top_k=2", stdin="cold food\ngood film\n").json_lines
        assert [answer["query"] for answer in answers] == ["cold food", "good film"]
        for answer in answers:
            expected = opened.search(answer["query"], 2, method)
            assert [row["passage"] for row in answer["found"]] == [found.number for found in expected]
            for row, found in zip(answer["found"], expected, strict=True):
                assert row["score"] == pytest.approx(found.score, abs=1e-5)
                assert {name: row[name] for name in ("text", "file", "title", "start", "end")} == {
                    name: getattr(found.passage, name) for name in ("text", "file", "title", "start", "end")
                }
                assert Path(row["file"]).read_bytes()[row["start"] : row["end"]].decode() == row["text"]
    assert search(folder, "--query=cold food").json_lines[0]["found"][0]["title"] == "Food"


def test_documents_are_added_and_removed(documents: Path, tmp_path: Path):
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    folder = tmp_path / "index"
    words = ("--embedder=none", f"--tokenizer={tmp_path}/vocab.txt")
    assert index(folder, f"--documents={documents}/b, c.md", *words).status == 0, "a comma may be part of a name"
    assert search(folder, "--query=film").json_lines[0]["found"] == []
    done = index(folder, f"--documents={documents}", "--add")
    assert "2 files, 2 passages" in done.stderr
    assert search(folder, "--query=film").json_lines[0]["found"][0]["title"] == "a"
    (documents / "a.txt").unlink()
    done = index(folder, f"--documents={documents}", "--add")
    assert f"{documents}/a.txt: is in the index and no longer there; --remove takes it out" in done.stderr
    assert "1 files, 1 passages" in index(folder, f"--remove={documents}/*.txt").stderr
    assert search(folder, "--query=film").json_lines[0]["found"] == []


def test_what_cannot_be_read_is_named_and_counted(documents: Path, tmp_path: Path):
    (documents / "bad.txt").write_bytes(b"\xff")
    done = index(tmp_path / "index", f"--documents={documents}", "--embedder=none")
    assert done.status == 0
    assert f"not indexed: {documents}/bad.txt, line 1: not UTF-8: byte 0xff" in done.stderr
    assert "2 files, 2 passages; 1 files could not be read" in done.stderr
    error = index(tmp_path / "other", f"--documents={documents}/bad.txt", "--embedder=none").error
    assert error.startswith(f"{documents}/bad.txt, line 1: not UTF-8")
    assert not (tmp_path / "other").exists()


def test_a_reranker_orders_what_is_found(documents: Path, classifier: Path, tmp_path: Path):
    index(tmp_path / "index", f"--documents={documents}", "--embedder=none", "--max_tokens=6")
    model = tiny.regressor(text_pair=True)
    model.save_preset(tmp_path / "reranker")
    (answer,) = search(tmp_path / "index", f"--reranker={tmp_path}/reranker", "--query=film food").json_lines
    scores = [found["score"] for found in answer["found"]]
    expected = model.answer([("film food", found["text"]) for found in answer["found"]])
    assert len(scores) > 1
    assert scores == sorted(scores, reverse=True)
    assert scores == pytest.approx([each["score"] for each in expected], abs=1e-4)
    error = search(tmp_path / "index", f"--reranker={classifier}", "--query=food").error
    assert "the reranker takes one text; expected a model of pairs" in error


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--documents=nowhere"], "nowhere: no such file or folder"),
        (["--documents=EMPTY"], "there are no documents; expected .txt"),
        ([], "there is nothing to do: name documents"),
        (["--add"], "there is nothing to do"),
        (["--remove=x"], "no index of documents there"),
        (["--documents=DOCUMENTS", "--add"], "no index of documents there"),
        (["--documents=DOCUMENTS", "--remove=x"], "--documents beside --remove: pass --add too"),
        (["--documents=DOCUMENTS", "--add", "--overlap=3"], "--overlap is for a new index"),
        (["--documents=DOCUMENTS", "--add", "--text=body"], "--text is for a new index"),
        (["--documents=DOCUMENTS", "--tokenizer=vocab.txt"], "--tokenizer goes with --embedder=none"),
        (["--documents=DOCUMENTS", "--embedder=none", "--max_tokens=5", "--overlap=5"], "and an overlap below it"),
        (["--documents=DOCUMENTS", "--embedder=runs/none"], "runs/none: no such folder or preset"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_said_in_one_line(flags: list[str], message: str, documents: Path, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    given = [flag.replace("DOCUMENTS", str(documents)).replace("EMPTY", f"{tmp_path}/empty") for flag in flags]
    assert message in index(tmp_path / "index", *given).error
    assert not (tmp_path / "index").exists()


def test_questions_that_cannot_be_asked_are_one_line(documents: Path, encoder: Path, classifier: Path, tmp_path: Path):
    folder = tmp_path / "index"
    index(folder, f"--documents={documents}", f"--embedder={encoder}")
    assert "there is nothing to search for" in search(folder, "--query= ").error
    assert "an index of documents; expected --method=words|meaning|both" in search(folder, "--method=exact").error
    assert "made with another model than" in search(folder, f"--model={classifier}", "--query=a").error
    manifest = json.loads((folder / "retrieval.json").read_text(encoding="utf-8"))
    manifest["model"]["handle"] = "hf://someone/model"
    (folder / "retrieval.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert "is not fetched because an index says so" in search(folder, "--query=a").error
    (tmp_path / "rows.txt").write_text("good film\n", encoding="utf-8")
    error = search(tmp_path / "rows", f"--rows={tmp_path}/rows.txt", f"--model={encoder}", "--method=words").error
    assert "are for an index of documents; keras-bert index makes one" in error
