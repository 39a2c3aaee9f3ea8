"""Synonyms from a list: read from both kinds of files, written as the word is."""

from pathlib import Path

import pytest

from keras_bert.errors import InputError
from keras_bert.trust.attack.synonyms import Synonyms


def test_case_follows_the_word():
    words = Synonyms({"Good": ["fine", "GOOD", "really good", "fine", ""], "i": ["me"]})
    assert words.of("good") == ["fine", "really good"]
    assert words.of("Good") == ["Fine", "Really good"]
    assert words.of("GOOD") == ["FINE", "REALLY GOOD"]
    assert words.of("I") == ["Me"]
    assert words.of("bad") == []


def test_both_kinds_of_files_say_the_same(tmp_path: Path):
    (tmp_path / "words.json").write_text('{"good": ["fine", "decent"], "at all": ["a bit"], "none": []}')
    (tmp_path / "words.txt").write_text("good\tfine\n\nGood\tdecent\nat all\ta bit\n")
    found = [Synonyms.from_file(tmp_path / name) for name in ("words.json", "words.txt")]
    assert found[0].words == found[1].words == {"good": ["fine", "decent"], "at all": ["a bit"]}
    assert found[0].phrases == {"good", "at all"}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "[1]", "a.json: expected a JSON object"),
        ("a.json", '{"good": "fine"}', "a.json: 'good': expected a list of words, found 'fine'"),
        ("a.json", "{}", "the list of synonyms has none"),
        ("a.txt", "good\tfine\nbad\n", "a.txt, line 2: expected a word and its synonyms, with tabs between"),
        ("a.txt", "\n", "a.txt: holds no words"),
        ("missing.json", None, "missing.json: no such file"),
    ],
)
def test_bad_lists(tmp_path: Path, name: str, text: str | None, message: str):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message.replace("[", r"\[")):
        Synonyms.from_file(tmp_path / name)


def test_the_counter_fitted_list_is_read(shared_data: Path):
    words = Synonyms.from_file(shared_data / "trust" / "counterfitted" / "counterfitted_neighbors.json")
    assert len(words.words) == 25_611
    assert "film" in words.of("movie")
