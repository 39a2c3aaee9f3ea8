"""Templates: the same word in the same place, different words in numbered places, a limit that draws."""

import pytest

from keras_bert.errors import InputError
from keras_bert.trust.behaviour.templates import filled, fillings, places

WORDS = {"name": ["Ana", "Li", "Omar"], "day": ["Monday", "Friday"], "long_list": [str(n) for n in range(100)]}


def sentences(*templates: str, limit: int = 1000, **options) -> list[str]:
    return [
        " ".join(filled(one, each) for one in templates) for each in fillings(templates, WORDS, "", limit, **options)
    ]


def test_all_combinations_in_order():
    assert sentences("{name} on {day}") == [f"{name} on {day}" for name in WORDS["name"] for day in WORDS["day"]]
    assert sentences("no place") == ["no place"]
    assert places(["{a1} {a2}", "{a1} {} {b_c} { d }"]) == [("a", "1"), ("a", "2"), ("b_c", "")]


def test_numbered_places_differ_and_templates_share_their_words():
    found = sentences("{name1} called {name2}.", "{name2} was called.")
    assert len(found) == 6
    assert found[0] == "Ana called Li. Li was called."


def test_a_limit_draws_from_all_and_the_seed_decides():
    template = "{long_list1} {long_list2} {long_list3} {name}"
    found = sentences(template, limit=50)
    assert len(set(found)) == 50
    assert all(len(set(line.split()[:3])) == 3 for line in found)
    assert found == sentences(template, limit=50) != sentences(template, limit=50, seed=1)
    assert len({line.split()[0] for line in found}) > 20
    assert len(set(sentences("{long_list} {name}", limit=40))) == 40


def test_places_that_are_kept_stay_open():
    assert sentences("{name} on {day}", keep=[("day", "")]) == ["Ana on {day}", "Li on {day}", "Omar on {day}"]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{nobody}", "file: {nobody} names no list of words; the lists are: name, day, long_list"),
        ("{day1} {day2} {day3}", "file: no words for the places; a list is empty, or has fewer words than places"),
    ],
)
def test_places_without_words(template: str, message: str):
    with pytest.raises(InputError, match=message.replace("{", r"\{")):
        list(fillings([template], WORDS, "file", 9))
