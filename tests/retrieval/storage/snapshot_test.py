"""The folder of an index: damaged, replaced while it is opened, of another format."""

import json
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.retrieval import Index
from keras_bert.retrieval.storage.snapshot import Snapshot
from tests.sources import ROOT
from tests.tasks import tiny

pytest.importorskip("bm25s", reason="needs the search extra")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    for number, text in enumerate(tiny.TEXTS):
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
    return Index.build(folder / "index", folder, tiny.embedder(), max_tokens=6).folder


@pytest.fixture
def index(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "index"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("retrieval.json", None, r"no index of documents there \(no retrieval.json\); keras-bert index makes one"),
        ("retrieval.json", b"{}", "an index of format None; this version reads 1"),
        ("retrieval.json", b"[1]", "expected a JSON object"),
        ("retrieval.json", b'{"format": 1}', r"the index is damaged"),
        ("passages.jsonl", None, r"the index is damaged \(no passages.jsonl\)"),
        ("passages.jsonl", b"", r"the index is damaged"),
        ("passages.jsonl", b"{}\n", r"the index is damaged \(passage_ends.npy does not part passages.jsonl\)"),
        ("passage_ends.npy", np.array([3, 2]), "the index is damaged"),
        ("documents.npy", np.array([0], np.int32), "do not number the same passages"),
        ("pieces.npy", np.array([0], np.int32), "piece_ends.npy does not part pieces.npy"),
        ("words_indices.npy", np.array([10**6], np.int32), "names passages that are not there"),
        ("files.jsonl", b"{}\n", "the index is damaged"),
        ("places.npy", np.array([0]), "the index is damaged"),
        ("vectors.npy", b"\x93NUMPY", "the index is damaged"),
        ("tokenizer/vocab.txt", b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nx\n", "its tokenizer is another one"),
    ],
)
def test_what_is_no_index_is_refused(index: Path, name: str, content: bytes | np.ndarray | None, message: str):
    if isinstance(content, np.ndarray):
        np.save(index / name, content)
    elif content is None:
        (index / name).unlink()
    else:
        (index / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        Snapshot.open(index)
    assert str(caught.value).startswith(str(index))


def test_a_line_that_is_no_passage_is_named_when_it_is_read(index: Path):
    data = (index / "passages.jsonl").read_bytes()
    (index / "passages.jsonl").write_bytes(b"[" + data[1:])
    with pytest.raises(InputError, match=r"passages\.jsonl, line 1: not a JSON file"):
        Snapshot.open(index).passages[0]


def _rewrite(folder: str, source: str, times: int) -> None:
    index = Index.open(folder, tiny.embedder())
    for number in range(times):
        (Path(source) / "x.txt").write_text(f"a good book {number}", encoding="utf-8")
        index.add(Path(source) / "x.txt")


def test_it_can_be_read_while_it_is_rewritten(index: Path, tmp_path: Path):
    """Every opening sees one whole index: as many vectors, words and passages, and they answer."""
    (tmp_path / "source").mkdir()
    writer = threading.Thread(target=_rewrite, args=(str(index), str(tmp_path / "source"), 15))
    writer.start()
    seen = set()
    embedder = tiny.embedder()
    while writer.is_alive():
        opened = Index.open(index, embedder)
        seen.add(opened._snapshot.manifest["id"])
        assert opened.search("a good book", 3, "words")
        assert len(opened.search("a good book", 99, "meaning")) == len(opened.passages)
    writer.join()
    assert len(seen) > 2
    assert json.loads((index / "retrieval.json").read_text())["passages"] == len(Index.open(index).passages)
    assert [path.name for path in index.parent.iterdir() if path.name.startswith(".")] == []


def test_two_writers_lose_nothing(index: Path, tmp_path: Path):
    sources = [tmp_path / f"source {number}" for number in range(3)]
    threads = []
    for source in sources:
        source.mkdir()
        threads.append(threading.Thread(target=_rewrite, args=(str(index), str(source), 3)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {str(source / "x.txt") for source in sources} <= set(Index.open(index).files)


KILLED = """
import os, signal, sys
from keras_bert.retrieval import Index, make

make.write_rest = lambda *given: os.kill(os.getpid(), signal.SIGKILL)
Index.open(sys.argv[1]).add(sys.argv[2])
"""


@pytest.mark.slow
def test_a_process_that_is_killed_leaves_the_index_as_it_was(tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text("a book", encoding="utf-8")
    tokenizer = tiny.preprocessor().tokenizer
    index = Index.build(tmp_path / "index", tmp_path / "a.txt", None, tokenizer=tokenizer, max_tokens=6).folder
    before = Snapshot.open(index).manifest["id"]
    done = subprocess.run([sys.executable, "-c", KILLED, index, tmp_path / "b.txt"], check=False, cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    assert Snapshot.open(index).manifest["id"] == before
    Index.open(index).add(tmp_path / "b.txt")
    assert len(Index.open(index).files) == 2
