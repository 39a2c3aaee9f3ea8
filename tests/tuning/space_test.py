"""A space as it is written, and what is none."""

import pytest

from keras_bert.errors import InputError
from keras_bert.tuning.space import Choice, Range, parse_space


def test_ranges_and_choices():
    text = "learning_rate=1e-5..1e-4:log, --batch_size=16|32,epochs=2..4,decay=0..0.1,pooling=cls|mean,layer=-1|-2"
    assert parse_space(text) == {
        "learning_rate": Range(1e-5, 1e-4, log=True),
        "batch_size": Choice((16, 32)),
        "epochs": Range(2, 4, whole=True),
        "decay": Range(0, 0.1),
        "pooling": Choice(("cls", "mean")),
        "layer": Choice((-1, -2)),
    }


def test_values_of_mixed_kinds_are_strings():
    assert parse_space("layer=none|1|2") == {"layer": Choice(("none", "1", "2"))}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected NAME=LOW..HIGH"),
        ("a", "'a': expected NAME=LOW..HIGH"),
        ("a=", "expected NAME="),
        ("a=1..2,", "'': expected NAME="),
        ("a=2..1", "a=2..1: the range is empty"),
        ("a=1..1", "the range is empty"),
        ("a=0..1:log", "begins above 0"),
        ("a=1..x", "expected LOW..HIGH, two numbers"),
        ("a=1..2:lin", "expected LOW..HIGH, two numbers"),
        ("a=1|1", "stands twice"),
        ("a=1|", "a value is empty"),
        ("a=1|2,a=3|4", "a stands twice in the space"),
        ("a=-1e308..1e308", "the range is empty"),
    ],
)
def test_what_is_no_space(text: str, words: str):
    with pytest.raises(InputError) as error:
        parse_space(text)
    assert words in str(error.value)


def test_what_they_hold():
    assert Range(1, 4, whole=True).holds(4)
    assert not Range(1, 4, whole=True).holds(2.5)
    assert not Range(1, 4).holds("2")
    assert not Range(0, 1).holds(True)
    assert Choice(("a", 1)).holds("a")
    assert not Choice((1, 2)).holds(3)
