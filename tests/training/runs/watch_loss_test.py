"""Bad steps: named, not learned, not counted in the metrics."""

import logging
import re
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.training import AdamW, RunState, WatchLoss


def fit(folder: Path, bad: set[int], on_nan: str, patience: int = 3, value: float = np.nan, steps: int = 8):
    """Trains on batches of which some hold a nan."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(AdamW(0.1, skip_nonfinite=True), "mse")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(steps, 2, 4)).astype("float32"), rng.normal(size=(steps, 2, 1)).astype("float32")
    good = [index for index in range(steps) if index not in bad]
    x[sorted(bad)] = value
    state = RunState(folder, every_steps=1)
    watch = WatchLoss(state, on_nan, patience)
    history = model.fit(tf.data.Dataset.from_tensor_slices((x, y)), verbose=0, shuffle=False, callbacks=[watch, state])
    other = keras.models.clone_model(model)
    keras.utils.set_random_seed(0)
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    other.compile(AdamW(0.1, skip_nonfinite=True), "mse")
    rest = tf.data.Dataset.from_tensor_slices((x[good], y[good]))
    expected = other.fit(rest, verbose=0, shuffle=False)
    return watch, model, history.history, other, expected.history


@pytest.mark.parametrize("bad", [{0}, {3}, {2, 3, 7}], ids=str)
def test_skipping_is_as_if_the_steps_were_not_there(bad: set[int], tmp_path: Path, caplog):
    with caplog.at_level(logging.WARNING, logger="absl"):
        watch, model, history, other, expected = fit(tmp_path, bad, "skip")
    assert watch.skipped == len(bad)
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert history == expected
    for index in bad:
        assert f"step {index + 1} (epoch 1, batch {index + 1}): the loss is nan; the step is left out" in caplog.text


def test_an_infinite_gradient_of_a_finite_loss_counts(tmp_path: Path, caplog):
    with caplog.at_level(logging.WARNING, logger="absl"):
        watch, *_ = fit(tmp_path, {4}, "skip", value=3e18)
    assert watch.skipped == 1


def test_stopping_names_the_step_and_keeps_the_checkpoint_before(tmp_path: Path):
    with pytest.raises(InputError, match=r"step 5 \(epoch 1, batch 5\): the loss is nan; no weight has changed by it"):
        fit(tmp_path, {4}, "stop")
    assert tf.train.latest_checkpoint(tmp_path).endswith("step-4")


def test_it_gives_up_after_many_in_a_row(tmp_path: Path):
    with pytest.raises(InputError, match=r"step 6 .*, for 3 steps in a row; lower --learning_rate"):
        fit(tmp_path, {1, 3, 4, 5}, "skip")


def run(folder: Path, growth: float, batch_size: int, epochs: int, seed: int = 0, every_steps: int = 0) -> RunState:
    """Trains to tell 16 clouds of points, 32 steps an epoch, with a learning rate that grows from step to step."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 16, 32 * batch_size)
    x = (rng.normal(size=(16, 8))[y] + rng.normal(size=(len(y), 8))).astype("float32")
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(16)])
    rates = keras.optimizers.schedules.ExponentialDecay(0.01, 1, growth)
    model.compile(AdamW(rates), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    state = RunState(folder, every_steps=every_steps)
    batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(batch_size)
    for epoch in range(epochs):
        callbacks = [WatchLoss(state), state]
        model.fit(batches, initial_epoch=epoch, epochs=epoch + 1, verbose=0, shuffle=False, callbacks=callbacks)
        state.next_epoch()
    return state


def test_an_exploding_loss_stops_the_run_and_leaves_good_checkpoints(tmp_path: Path):
    with pytest.raises(InputError, match=r"the loss has exploded: above .* for 5 steps, .* now") as error:
        run(tmp_path, 1.2, batch_size=16, epochs=4, every_steps=1)
    message = str(error.value)
    step, epoch, batch = map(int, re.match(r"step (\d+) \(epoch (\d), batch (\d+)\)", message).groups())
    assert step == 32 * (epoch - 1) + batch
    assert 25 <= step < 64
    assert "\n" not in message
    kept = [int(path.stem[5:]) for path in tmp_path.glob("*.index")]
    assert len(kept) == 3
    assert max(kept) == step - 5


@pytest.mark.parametrize("seed", range(3))
def test_a_noisy_loss_does_not(seed: int, tmp_path: Path):
    """Batches of two rows, whose losses differ a hundredfold."""
    assert run(tmp_path, 1.0, batch_size=2, epochs=8, seed=seed).place["steps"] == 8 * 32


def watched(folder: Path, losses: Sequence[float], place: dict[str, Any] | None = None) -> int:
    """Shows it the losses of steps; returns how many it took."""
    state = RunState(folder, every_steps=7)
    state.place.update(place or {})
    watch = WatchLoss(state)
    watch.set_model(types.SimpleNamespace(optimizer=None))
    watch.on_train_begin()
    watch.on_epoch_begin(0)
    for step in range(1, len(losses) + 1):
        try:
            watch.on_train_batch_end(step - 1, {"loss": float(np.mean(losses[:step]))})
        except InputError:
            assert state.every_steps == 0
            return step
    assert state.every_steps == 7
    return len(losses)


def test_what_has_exploded(tmp_path: Path):
    start, learned = [3.0] * 20, [0.5] * 60
    assert watched(tmp_path, [*start, *learned, *[9.5] * 50]) == 85
    # Once in a while, however high; or only as high as at the start; or less than three times the peak.
    assert watched(tmp_path, [*start, *learned, *([1e4] * 4 + [0.5]) * 10]) == 130
    assert watched(tmp_path, [*start, *[1e-6] * 200, *[2.9] * 50]) == 270
    assert watched(tmp_path, [*start, *learned, *[8.9] * 50]) == 130
    # A hundred quiet steps lower the limit to the start; a loss that creeps up is found where it passes that.
    assert watched(tmp_path, [*start, *[0.5] * 200, *[3.1] * 50]) == 225
    assert watched(tmp_path, [*start, *[0.5] * 200, *(0.5 * 1.02 ** np.arange(200))]) == 220 + 91 + 5
    # A run that goes on knows its past.
    known = {"first_peak": 3.0, "lowest_peak": 0.5}
    assert watched(tmp_path, [*[0.5] * 3, *[3.1] * 50], known) == 8


def test_steps_before_an_interruption_are_in_the_mean_but_not_in_the_step(tmp_path: Path):
    """`RunState` adds what was counted before: from the second step on the mean is over all of the epoch."""
    state = RunState(tmp_path, keep_metrics=True)
    state.place.update(first_peak=3.0, lowest_peak=0.5, step=50, steps=50)
    watch = WatchLoss(state)
    watch.set_model(types.SimpleNamespace(optimizer=None))
    watch.on_train_begin()
    watch.on_epoch_begin(0)
    losses = [*[0.5] * 60, *[4.0] * 10]

    def go_on() -> None:
        for done in range(51, 71):
            counted = losses[50:51] if done == 51 else losses[:done]
            watch.on_train_batch_end(done - 51, {"loss": float(np.mean(counted))})
            state.place.update(step=done, steps=done)

    with pytest.raises(InputError, match=r"step 65 \(epoch 1, batch 65\): .* above 3 for 5 steps, 4 now"):
        go_on()


def test_another_word_is_refused():
    with pytest.raises(ValueError, match="'stop' or 'skip'"):
        WatchLoss(RunState("checkpoints"), "ignore")
