"""Adversaries by name, and settings that there are not."""

import re

import pytest

from keras_bert.errors import InputError
from keras_bert.training.adversary import ADVERSARIES, FreeLb, Pgd, make_adversary


@pytest.mark.parametrize("name", ADVERSARIES)
def test_by_name_and_back(name: str):
    made = make_adversary(name)
    assert type(made) is ADVERSARIES[name]
    assert make_adversary(made) is made
    assert make_adversary(made.config()) == made


def test_settings():
    assert make_adversary({"name": "pgd", "steps": 5}) == Pgd(steps=5)
    assert make_adversary(None) is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("fgsm", "adversary is one of fgm, pgd, freelb, smart, rdrop, received: 'fgsm'"),
        ({"epsilon": 1.0}, "received: None"),
        (3, "received: 3"),
        ({"name": "fgm", "epsilonn": 1.0}, "adversary 'fgm' takes no argument 'epsilonn'; did you mean 'epsilon'?"),
        ({"name": "rdrop", "epsilon": 1.0}, "the arguments are: weight"),
        ({"name": "fgm", "epsilon": -1.0}, "fgm: epsilon is 0 or more, received: -1.0"),
        ({"name": "fgm", "epsilon": "much"}, "fgm: epsilon is 0 or more, received: 'much'"),
        ({"name": "smart", "noise": float("inf")}, "smart: noise is 0 or more, received: inf"),
        ({"name": "freelb", "steps": 0}, "freelb: steps is a whole number, 1 or more, received: 0"),
    ],
    ids=str,
)
def test_what_there_is_not(given, message: str):
    with pytest.raises(InputError, match=re.escape(message)):
        make_adversary(given)


def test_settings_in_python_are_checked_too():
    with pytest.raises(InputError, match="init is 0 or more"):
        FreeLb(init=-0.5)
