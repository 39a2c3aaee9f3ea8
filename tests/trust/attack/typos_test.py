"""Typing errors: one of each kind, the same for the same seed and place."""

import pytest

from keras_bert.errors import InputError
from keras_bert.trust.attack.sentence import Sentence
from keras_bert.trust.attack.typos import KINDS, Typos

WORD = "wonderful"


def test_each_kind_is_one_edit_of_its_kind():
    for seed in range(30):
        edits = Typos(seed).edits(WORD)
        assert tuple(edits) == KINDS
        assert edits["insert"].replace(" ", "") == WORD
        assert edits["insert"].count(" ") == 1
        assert edits["insert"].strip() == edits["insert"]
        assert len(edits["delete"]) == len(WORD) - 1
        assert sorted(edits["swap"]) == sorted(WORD)
        assert edits["swap"] != WORD
        for kind in ("delete", "swap"):
            assert (edits[kind][0], edits[kind][-1]) == ("w", "l"), "readers hold on to the ends"
        for kind in ("keyboard", "look_alike"):
            assert sum(a != b for a, b in zip(edits[kind], WORD, strict=True)) == 1
        assert edits["keyboard"].isalpha()
        assert not edits["look_alike"].isalpha()


def test_seed_and_place_decide_and_nothing_else():
    sentence = Sentence(("text",), ("good good",), [(0, 0, 4), (0, 5, 9)])
    found = [Typos(seed).propose([(sentence, 0), (sentence, 1)]) for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
    assert len({tuple(words) for seed in range(9) for words in Typos(seed).propose([(sentence, 0), (sentence, 1)])}) > 2
    assert all("good" not in words and len(set(words)) == len(words) for words in found[0])


@pytest.mark.parametrize(("word", "kinds"), [("a", ()), ("好", ()), ("it", ("keyboard", "look_alike")), ("IT", 2)])
def test_short_words_get_fewer(word: str, kinds: tuple[str, ...] | int):
    edits = Typos().edits(word)
    assert (len(edits) if isinstance(kinds, int) else tuple(edits)) == kinds
    assert all(edit.isupper() for edit in edits.values() if word == "IT")


def test_a_kind_that_is_none():
    with pytest.raises(InputError, match="no kind of typing error 'drop'; there are: insert, delete"):
        Typos(kinds=("drop",))
