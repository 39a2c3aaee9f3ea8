"""The learning rate at each step is the two straight lines of google-research/bert, worked out by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.training import LinearWarmupDecay


def values(schedule: LinearWarmupDecay, steps: list[int]) -> list[float]:
    return [float(schedule(step)) for step in steps]


def test_the_rate_rises_and_falls_in_straight_lines():
    schedule = LinearWarmupDecay(1e-3, steps=100, warmup_steps=20)
    steps = [0, 1, 10, 20, 21, 60, 99, 100]
    expected = [0, 5e-5, 5e-4, 1e-3, 1e-3 * 79 / 80, 5e-4, 1e-3 / 80, 0]
    np.testing.assert_allclose(values(schedule, steps), expected, rtol=1e-6, atol=1e-12)


def test_without_warm_up_the_first_step_has_the_peak():
    np.testing.assert_allclose(values(LinearWarmupDecay(2e-5, 4), [0, 1, 4]), [2e-5, 1.5e-5, 0], rtol=1e-6)


def test_a_run_can_be_all_warm_up():
    schedule = LinearWarmupDecay(1.0, steps=4, warmup_steps=4)
    np.testing.assert_allclose(values(schedule, [0, 2, 3, 4]), [0, 0.5, 0.75, 0])


def test_the_rate_never_turns_negative_after_the_run():
    assert values(LinearWarmupDecay(1e-3, steps=10, warmup_steps=1), [11, 10**6]) == [0.0, 0.0]


def test_it_computes_in_float32_in_a_graph_with_the_optimizers_integer_step():
    schedule = LinearWarmupDecay(1e-3, steps=100, warmup_steps=10)
    rate = tf.function(schedule)(tf.constant(55, tf.int64))
    assert rate.dtype == tf.float32
    assert float(rate) == pytest.approx(5e-4)


def test_it_comes_back_from_its_config():
    schedule = LinearWarmupDecay(1e-3, steps=100, warmup_steps=10)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert isinstance(again, LinearWarmupDecay)
    assert again.get_config() == {"peak_learning_rate": 1e-3, "steps": 100, "warmup_steps": 10}


@pytest.mark.parametrize(
    ("steps", "warmup_steps", "message"),
    [
        (0, 0, "at least one step, received: steps=0"),
        (10, 11, "warmup_steps=11 must lie between 0 and steps=10"),
        (10, -1, "warmup_steps=-1 must lie between 0 and steps=10"),
    ],
)
def test_impossible_numbers_are_refused(steps: int, warmup_steps: int, message: str):
    with pytest.raises(InputError, match=message):
        LinearWarmupDecay(1e-3, steps, warmup_steps)


@pytest.mark.parametrize("rate", [-1e-5, float("nan"), float("inf")])
def test_a_rate_that_would_spoil_the_weights_is_refused(rate):
    with pytest.raises(InputError, match=f"the learning rate is {rate}; expected 0 or more"):
        LinearWarmupDecay(rate, steps=10)
