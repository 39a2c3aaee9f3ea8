"""A budget's numbers, and those that are none."""

import math
from typing import Any

import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.training import Privacy

GOOD = {"rows": 1000, "batch_size": 100, "steps": 10, "noise_multiplier": 2.0}


def test_the_numbers():
    privacy = Privacy(**GOOD, clip=0.5)
    assert (privacy.sampling_rate, privacy.noise, privacy.delta) == (0.1, 1.0, 1 / 2000)
    assert Privacy(**privacy.config()) == privacy
    assert Privacy(**{**GOOD, "noise_multiplier": 0.0}, clip=math.inf).noise == 0.0


def test_of_a_budget():
    pytest.importorskip("dp_accounting", reason="the extra privacy is not installed")
    privacy = Privacy(**{**GOOD, "noise_multiplier": None, "epsilon": 4.0}, accountant="rdp")
    assert 3.99 < privacy.spent(10) <= 4.0
    assert 0 < privacy.spent(5) < privacy.spent(10)
    facts = privacy.facts(5)
    assert (facts["epsilon spent"], facts["steps"], facts["accountant"]) == (privacy.spent(5), 5, "rdp")
    assert Privacy(**privacy.config()).spent(10) == privacy.spent(10)
    assert Privacy(**{**GOOD, "noise_multiplier": None, "epsilon": math.inf}).noise_multiplier == 0.0


def test_more_steps_than_the_budget_is_for():
    privacy, batches = Privacy(**GOOD), tf.data.Dataset.range(4)
    privacy.refuse_more(2, batches, epochs=2)
    privacy.refuse_more(6, batches, epochs=9, initial_epoch=8)
    with pytest.raises(InputError, match="the budget is for 10 steps; 3 are done and 8 more are asked for"):
        privacy.refuse_more(3, batches, epochs=2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": 0}, "rows is 1 or more"),
        ({"batch_size": 1001}, "batch_size=1001 is more than the 1000 rows"),
        ({"epsilon": 1.0}, "say epsilon or noise_multiplier, one of them"),
        ({"noise_multiplier": None}, "say epsilon or noise_multiplier, one of them"),
        ({"noise_multiplier": None, "epsilon": 0.0}, "epsilon is more than 0"),
        ({"noise_multiplier": -1.0}, "noise_multiplier is 0 or more"),
        ({"clip": 0.0}, "clip is a number more than 0"),
        ({"clip": math.inf}, "clip is a number more than 0"),
        ({"delta": 1.5}, "delta is between 0 and 1"),
        ({"accountant": "gdp"}, "accountant is one of pld, rdp"),
    ],
    ids=str,
)
def test_bad_numbers(changes: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        Privacy(**{**GOOD, **changes})
