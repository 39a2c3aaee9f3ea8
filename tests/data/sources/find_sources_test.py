"""Names, patterns and lists of sources, awkward names among them."""

from pathlib import Path

import pytest

from keras_bert.data.sources.find_sources import find_sources
from keras_bert.errors import InputError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("b.csv", "a.csv", "c.tsv", "d[1].csv", "e,f.csv"):
        (tmp_path / name).write_text("text\nx\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "g.csv").write_text("text\nx\n")
    return tmp_path


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ("a.csv", ["a.csv"]),
        ("[ab].csv", ["a.csv", "b.csv"]),
        ("c.tsv,a.csv", ["c.tsv", "a.csv"]),
        ("d[1].csv", ["d[1].csv"]),
        ("e,f.csv", ["e,f.csv"]),
        ("**/g.csv", ["deep/g.csv"]),
        ("c.tsv,[ab].csv", ["c.tsv", "a.csv", "b.csv"]),
        ("library_docs:train", ["library_docs:train"]),
        ("tfds:glue/sst2:train[:10]", ["tfds:glue/sst2:train[:10]"]),
        ("none.csv", ["none.csv"]),  # the reader says what is wrong
    ],
)
def test_what_names_stand_for(names: str, found: list[str], folder: Path):
    assert find_sources(names) == found


@pytest.mark.parametrize(
    ("names", "words"), [("z*.csv", "no such file"), ("a.csv,[a].csv", "a.csv is there more than once")]
)
def test_what_cannot_be_meant_is_refused(names: str, words: str, folder: Path):
    with pytest.raises(InputError, match=words):
        find_sources(names)
