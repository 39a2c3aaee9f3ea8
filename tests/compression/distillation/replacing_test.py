"""The probability of a replacement, and which blocks a module is made of."""

import pytest

from keras_bert.compression import DistillationSettings
from keras_bert.compression.distillation.replacing import modules_of, replacement_rate


@pytest.mark.parametrize(
    ("schedule", "rates"), [("linear", (0.4, 0.7, 1.0, 1.0)), ("constant", (0.4, 0.4, 1.0, 1.0))], ids=str
)
def test_the_rate_of_a_step(schedule: str, rates: tuple[float, ...]):
    settings = DistillationSettings(replacement_rate=0.4, replacement_schedule=schedule, replacement_steps=10)
    assert [float(replacement_rate(settings, step)) for step in (0, 5, 10, 20)] == pytest.approx(rates)


def test_modules_hold_all_blocks():
    assert modules_of("abcdef", 3) == [["a", "b"], ["c", "d"], ["e", "f"]]
    assert modules_of("abcde", 2) == [["a", "b", "c"], ["d", "e"]]
