"""`keras-bert search`: index and ask, from files and standard input; another model is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from keras_bert.tasks import BertEmbedder
from tests.scripts.programs import rows, run_program, write_table

TEXTS = list(dict.fromkeys(text for text, _ in rows(60, seed=3)))
QUERIES = ["the film was good .", TEXTS[7]]


@pytest.fixture(scope="module")
def index(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search")
    (folder / "texts.txt").write_text("\n\n".join(TEXTS) + "\n", encoding="utf-8")
    done = run_program("search", f"--index={folder}/index", f"--rows={folder}/texts.txt", f"--model={encoder}")
    assert (done.status, done.stdout) == (0, ""), done.stderr
    assert f"{len(TEXTS)} rows, exact search" in done.stderr
    return folder / "index"


@pytest.fixture(scope="module")
def vectors(encoder: Path) -> dict[str, np.ndarray]:
    texts = [*TEXTS, *QUERIES]
    return dict(zip(texts, BertEmbedder.from_preset(encoder).embed(texts), strict=True))


def test_queries_find_the_nearest_texts(index: Path, vectors: dict[str, np.ndarray]):
    """The index remembers its model; empty lines of the file are no texts."""
    answers = run_program("search", f"--index={index}", "--top_k=4", stdin="\n".join(QUERIES)).json_lines
    assert [answer["query"] for answer in answers] == QUERIES
    for answer in answers:
        cosines = np.stack([vectors[text] for text in TEXTS]) @ vectors[answer["query"]]
        assert len(answer["found"]) == 4
        scores = [row["score"] for row in answer["found"]]
        assert scores == pytest.approx(sorted(cosines, reverse=True)[:4], abs=1e-5)
        assert [cosines[TEXTS.index(row["text"])] for row in answer["found"]] == pytest.approx(scores, abs=1e-5)
        assert [TEXTS[row["row"]] for row in answer["found"]] == [row["text"] for row in answer["found"]]
    assert answers[1]["found"][0]["text"] == TEXTS[7]


def test_a_question_finds_its_answer_at_once(encoder: Path, tmp_path: Path):
    """Index and query in one run, columns, an answer beside each question, an output file, faiss."""
    pytest.importorskip("faiss", reason="needs the search extra")
    table = write_table(tmp_path / "faq.csv", ("q", "a"), [(text, f"answer {i}") for i, text in enumerate(TEXTS)])
    done = run_program(
        "search",
        f"--index={tmp_path}/index",
        f"--rows={table}",
        "--text=q",
        "--text_pair=a",
        f"--model={encoder}",
        "--method=approximate",
        f"--query={TEXTS[5]}",
        "--top_k=1",
        f"--output={tmp_path}/found.jsonl",
    )
    assert done.status == 0, done.stderr
    (found,) = json.loads((tmp_path / "found.jsonl").read_text(encoding="utf-8"))["found"]
    assert (found["text"], found["text_pair"], found["row"]) == (TEXTS[5], "answer 5", 5)


def test_another_model_is_refused(index: Path, classifier: Path):
    error = run_program("search", f"--index={index}", f"--model={classifier}", stdin="a\n").error
    assert f"{index}: made with another model than {classifier}" in error


def test_a_model_elsewhere_is_not_fetched_because_an_index_names_it(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hf:" / "someone" / "model").mkdir(parents=True)
    for handle in ("hf://someone/model", "kaggle://a/b/c/d", "bert_tiny_en_uncased", "", "/nowhere"):
        shutil.copytree(index, tmp_path / "index", dirs_exist_ok=True)
        facts = json.loads((index / "index.json").read_text(encoding="utf-8"))
        facts["model"]["handle"] = handle
        (tmp_path / "index" / "index.json").write_text(json.dumps(facts), encoding="utf-8")
        error = run_program("search", f"--index={tmp_path}/index", stdin="a\n").error
        assert "is not fetched because an index says so; name it yourself, --model" in error


def test_queries_and_rows_have_their_prompts(encoder: Path, tmp_path: Path):
    """As E5 needs them: the folder has none, so they are defined; by their names each finds its place."""
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    common = (f"--index={tmp_path}/index", f"--model={encoder}", "--top_k=1")
    made = run_program(
        "search",
        *common,
        f"--rows={tmp_path}/texts.txt",
        '--prompts={"passage": "the film "}',
        "--query=good",
        "--prompt=",
    )
    assert made.status == 0, made.stderr
    model = BertEmbedder.from_preset(encoder, prompts={"query": "good ", "passage": "the film "})
    rows = model.embed(TEXTS, prompt="passage")
    for flags, prompt in (((), ""), (('--prompts={"query": "good "}',), "query")):
        (answer,) = run_program("search", *common, *flags, stdin="book\n").json_lines
        cosines = rows @ model.embed(["book"], prompt=prompt)[0]
        assert answer["found"][0]["score"] == pytest.approx(cosines.max(), abs=1e-5)
    assert "there is no prompt 'other'" in run_program("search", *common, "--prompt=other", stdin="a\n").error
    assert "expected texts by name" in run_program("search", *common, "--prompts=x", stdin="a\n").error


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--query=a", "--input=-"), "--query and --input exclude each other"),
        (("--rows=-", "--input=-"), "cannot both be standard input"),
        (("--method=exact",), "--method, --rows_prompt and --overwrite are for making an index"),
        (("--rows=nowhere.txt", "--overwrite"), "nowhere.txt: no such file"),
        (("--rows=-", "--overwrite"), "-: there are no texts to index"),
        ((f"--rows={__file__}",), "already holds"),
    ],
)
def test_what_does_not_go_together(flags: tuple, message: str, index: Path):
    assert message in run_program("search", f"--index={index}", *flags).error


def test_an_index_that_is_not_there(tmp_path: Path):
    assert "no index there" in run_program("search", f"--index={tmp_path}/nowhere", stdin="a\n").error
    assert run_program("search").error == "name the folder of the index, --index=FOLDER"
