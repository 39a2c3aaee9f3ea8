"""Which files paths, folders and patterns mean, compared with Python's own glob where that can tell."""

import glob
import os
from pathlib import Path

import pytest

from keras_bert.errors import InputError
from keras_bert.retrieval.documents.found_files import find_files, matches

NAMES = ("a.txt", "b [1].md", "ü 中.txt", "sub/c.txt", "sub/deep/d.md", ".hidden/e.txt", "sub/.f.txt")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    return tmp_path


def names_of(folder: Path, *paths: str) -> list[str]:
    return [file.path.relative_to(folder).as_posix() for file in find_files([folder / path for path in paths])]


@pytest.mark.parametrize("pattern", ["*.txt", "*", "**/*.md", "sub/*.txt", "**/d.md", "?.txt", "s*/*/*.md", "[ab]*"])
def test_patterns_mean_what_glob_means(folder: Path, pattern: str):
    expected = {path for path in glob.glob(str(folder / pattern), recursive=True) if Path(path).is_file()}  # noqa: PTH207
    assert {str(folder / name) for name in names_of(folder, pattern)} == expected
    for name in NAMES:
        assert matches(str(folder / name), folder / pattern) == (str(folder / name) in expected)


def test_folders_and_two_stars_give_all_that_is_not_hidden(folder: Path):
    every = sorted(name for name in NAMES if ".hidden" not in name and "/.f" not in name)
    assert sorted(names_of(folder, "")) == sorted(names_of(folder, "**")) == every
    assert names_of(folder, ".hidden/*.txt") == [".hidden/e.txt"]
    assert all(matches(str(folder / name), folder) for name in every)


def test_a_path_that_exists_is_taken_as_it_is(folder: Path):
    (folder / "b 1.md").write_text("what the pattern would mean", encoding="utf-8")
    assert names_of(folder, "b [1].md") == ["b [1].md"]
    assert find_files([folder / "b [1].md"])[0].is_named
    assert names_of(folder, "b [[]1].md") == ["b [1].md"]
    assert names_of(folder, "ü 中.txt") == ["ü 中.txt"]


def test_each_file_comes_once_and_loops_of_links_end(folder: Path):
    (folder / "sub" / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "again.txt").symlink_to(folder / "a.txt")
    (folder / "nowhere.txt").symlink_to(folder / "gone.txt")
    (folder / "self").symlink_to(folder / "self")
    found = names_of(folder, "", "**/*.txt", "a.txt")
    assert sorted(found) == ["a.txt", "b [1].md", "sub/c.txt", "sub/deep/d.md", "ü 中.txt"]
    assert [file.is_named for file in find_files([folder, folder / "a.txt"]) if file.path.name == "a.txt"] == [True]


def test_an_index_among_the_documents_is_none_of_them(folder: Path):
    (folder / "sub" / "retrieval.json").write_text("{}", encoding="utf-8")
    assert sorted(names_of(folder, "", "**/*.md")) == ["a.txt", "b [1].md", "ü 中.txt"]


def test_what_is_not_there_is_named(folder: Path):
    for path, message in (("none.txt", "none.txt: no such file or folder"), ("*.pdf", r"\*.pdf: no file is called so")):
        with pytest.raises(InputError, match=message):
            find_files([folder / path])
    os.mkfifo(folder / "pipe.txt")
    with pytest.raises(InputError, match="is a pipe or device"):
        find_files([folder / "pipe.txt"])
    assert "pipe.txt" not in names_of(folder, "")
