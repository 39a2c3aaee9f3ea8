"""The clock schedule against the lines worked out by hand, with a clock that the test moves."""

import keras
import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.training import ClockSchedule, parse_duration


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def attach(schedule: ClockSchedule) -> keras.Model:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.5), "mse")
    schedule.set_model(model)
    return model


def test_the_rate_rises_and_falls_in_lines_over_the_budget():
    clock = Clock()
    schedule = ClockSchedule(1e-3, budget=100.0, warmup=0.2, clock=clock)
    model = attach(schedule)
    rates = []
    for seconds in (0, 10, 20, 60, 100, 150):
        clock.now = 100.0 + seconds
        schedule.on_train_batch_begin(0)
        rates.append(float(model.optimizer.learning_rate))
    np.testing.assert_allclose(rates, [0.0, 5e-4, 1e-3, 5e-4, 0.0, 0.0], atol=1e-9)


def test_the_run_stops_when_the_budget_is_used_up_and_not_before():
    clock = Clock()
    schedule = ClockSchedule(1e-3, budget=10.0, clock=clock)
    model = attach(schedule)
    model.stop_training = False
    clock.now += 9.9
    schedule.on_train_batch_end(0)
    assert not model.stop_training
    clock.now += 0.1
    schedule.on_train_batch_end(0)
    assert model.stop_training


def test_a_phase_stops_at_its_share():
    clock = Clock()
    schedule = ClockSchedule(1e-3, budget=10.0, clock=clock)
    model = attach(schedule)
    schedule.stop_at, model.stop_training = 0.5, False
    clock.now += 5.0
    schedule.on_train_batch_end(0)
    assert model.stop_training


def test_time_spent_before_counts():
    schedule = ClockSchedule(1e-3, budget=10.0, spent=4.0, clock=Clock())
    assert schedule.progress == pytest.approx(0.4)


def test_fit_ends_by_the_clock():
    clock = Clock()
    model = attach(schedule := ClockSchedule(1e-3, budget=5.0, clock=clock))
    steps = []

    def tick(batch: int, logs: object) -> None:
        steps.append(batch)
        clock.now += 1

    ticking = keras.callbacks.LambdaCallback(on_train_batch_begin=tick)
    model.fit(np.ones((64, 1)), np.ones((64, 1)), batch_size=1, verbose=0, callbacks=[ticking, schedule])
    assert len(steps) == 5


@pytest.mark.parametrize(
    ("text", "seconds"), [("2h", 7200), ("90m", 5400), ("1h30m", 5400), ("45s", 45), ("7", 7), ("0.5h", 1800)]
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "2x", "0", "-1h", "m", "inf"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(InputError, match="time"):
        parse_duration(text)


@pytest.mark.parametrize("arguments", [{"budget": 0}, {"budget": 10, "warmup": 2}])
def test_numbers_out_of_their_range_are_refused(arguments):
    with pytest.raises(InputError):
        ClockSchedule(1e-3, **arguments)


def test_workers_follow_the_chiefs_clock():
    """Their own clocks differ, and they ask once a step."""
    clocks, asked, models = (Clock(), Clock()), [], []
    chiefs = ClockSchedule(1e-3, budget=10.0, clock=clocks[0])
    other = ClockSchedule(1e-3, budget=10.0, clock=clocks[1])
    clocks[1].now += 3.0

    def of_chief(number: float) -> float:
        asked.append(number)
        return asked[0] if len(asked) % 2 == 0 else number

    for schedule in (chiefs, other):
        models.append(attach(schedule))
        models[-1].stop_training = False
        schedule.begin(0.0, of_chief)
    clocks[0].now += 6.0
    clocks[1].now += 9.0
    for schedule in (chiefs, other):
        schedule.on_train_batch_begin(0)
        schedule.on_train_batch_end(0)
    assert asked == [0.6, 0.9]
    assert float(models[0].optimizer.learning_rate) == float(models[1].optimizer.learning_rate)
