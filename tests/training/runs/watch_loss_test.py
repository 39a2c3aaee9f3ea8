"""Bad steps: named, not learned, not counted in the metrics."""

import contextlib
import json
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
from keras_bert.tasks.base.global_batch import GlobalBatchModel, StepResult
from keras_bert.training import AdamW, RunState, TrainingLog, WatchLoss


def make_model(inputs: int, *layers: keras.layers.Layer) -> keras.Model:
    """A model that hands out its steps' own losses, as the tasks do."""
    tensor = start = keras.Input((inputs,))
    for layer in layers:
        tensor = layer(tensor)
    return GlobalBatchModel(start, tensor)


def fit(folder: Path, bad: set[int], on_nan: str, patience: int = 3, value: float = np.nan, steps: int = 8):
    """Trains on batches of which some hold a nan."""
    keras.utils.set_random_seed(0)
    model = make_model(4, keras.layers.Dense(1))
    model.compile(AdamW(0.1, skip_nonfinite=True), "mse")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(steps, 2, 4)).astype("float32"), rng.normal(size=(steps, 2, 1)).astype("float32")
    good = [index for index in range(steps) if index not in bad]
    x[sorted(bad)] = value
    state = RunState(folder, every_steps=1)
    watch = WatchLoss(state, on_nan, patience)
    history = model.fit(tf.data.Dataset.from_tensor_slices((x, y)), verbose=0, shuffle=False, callbacks=[watch, state])
    keras.utils.set_random_seed(0)
    other = make_model(4, keras.layers.Dense(1))
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
    model = make_model(8, keras.layers.Dense(32, "relu"), keras.layers.Dense(16))
    rates = keras.optimizers.schedules.ExponentialDecay(0.01, 1, growth)
    model.compile(AdamW(rates), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    state = RunState(folder, every_steps=every_steps)
    batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(batch_size)
    watch = WatchLoss(state)
    for epoch in range(epochs):
        model.fit(batches, initial_epoch=epoch, epochs=epoch + 1, verbose=0, shuffle=False, callbacks=[watch, state])
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


class Watched:
    """A watch that is shown the losses of steps, in epochs of so many."""

    def __init__(self, folder: Path, steps_per_epoch: int = 10**9, place: dict[str, Any] | None = None) -> None:
        self.state = RunState(folder, every_steps=7)
        self.state.place.update(place or {})
        self.watch = WatchLoss(self.state)
        self.model = types.SimpleNamespace(last_step=None)
        self.watch.set_model(self.model)
        self.steps_per_epoch = steps_per_epoch

    def show(self, losses: Sequence[float]) -> int:
        """Returns how many steps it took before it stopped the run."""
        for step, loss in enumerate(losses):
            if step % self.steps_per_epoch == 0:
                self.watch.on_train_end()
                self.watch.on_train_begin()
                self.watch.on_epoch_begin(0)
            self.model.last_step = StepResult(loss, True)
            try:
                self.watch.on_train_batch_end(step, {"loss": 0.0})
            except InputError:
                assert self.state.hold
                return step + 1
        assert not self.state.hold
        return len(losses)


def watched(folder: Path, losses: Sequence[float], place: dict[str, Any] | None = None) -> int:
    return Watched(folder, place=place).show(losses)


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
    before = Watched(tmp_path)
    before.show([*start, *[0.5] * 200])
    assert watched(tmp_path, [3.1] * 50, json.loads(json.dumps(before.state.place))) == 5


def test_epochs_make_no_difference(tmp_path: Path):
    """Its window, its count of high steps and its hold on checkpoints go on from one epoch to the next."""
    losses = [*[3.0] * 20, *[0.5] * 60, *[9.5] * 50]
    assert Watched(tmp_path, steps_per_epoch=4).show(losses) == 85
    held = Watched(tmp_path, steps_per_epoch=10)
    assert held.show([*[3.0] * 20, *[0.5] * 69, 100.0, *[0.5] * 9]) == 99  # the 90th step ends an epoch, and is high


def test_skipped_steps_in_a_row_are_counted_over_epochs(tmp_path: Path):
    state = RunState(tmp_path, every_steps=1)
    watch = WatchLoss(state, "skip", patience=3)
    watch.set_model(types.SimpleNamespace(last_step=StepResult(np.nan, False)))
    for epoch in range(3):
        watch.on_train_begin()
        watch.on_epoch_begin(epoch)
        with pytest.raises(InputError, match="for 3 steps in a row") if epoch == 2 else contextlib.nullcontext():
            watch.on_train_batch_end(0, {})
    assert watch.skipped == 3


def test_a_long_epoch_with_a_log_that_begins_anew_is_not_taken_for_an_explosion(tmp_path: Path):
    """The log's rows begin with metrics of their own every so many steps; the losses are noisy, and fall."""
    rng = np.random.default_rng(0)
    targets = np.sqrt(rng.exponential(np.linspace(4.5, 4.4, 3000))).astype("float32")[:, None]
    model = make_model(1, keras.layers.Dense(1, kernel_initializer="zeros"))
    model.compile(keras.optimizers.SGD(0.0), "mse")
    state = RunState(tmp_path / "checkpoints", every_steps=0)
    callbacks = [WatchLoss(state), state, TrainingLog(tmp_path / "log.csv", state, every=100)]
    batches = tf.data.Dataset.from_tensor_slices((np.ones_like(targets), targets)).batch(1)
    model.fit(batches, verbose=0, shuffle=False, callbacks=callbacks)
    assert state.place["steps"] == 3000
    losses = state.place["watch"]["losses"]
    np.testing.assert_allclose(losses, targets[-len(losses) :, 0] ** 2, rtol=1e-5)


def test_of_a_model_that_hands_out_no_losses_a_nan_is_seen(tmp_path: Path):
    state = RunState(tmp_path, every_steps=0)
    watch = WatchLoss(state, "skip")
    watch.set_model(keras.Sequential())
    watch.on_train_batch_end(0, {"loss": 1.0})
    with pytest.raises(InputError, match=r"step 1 .*: the loss is nan"):
        watch.on_train_batch_end(1, {"loss": float("nan")})


def test_another_word_is_refused():
    with pytest.raises(ValueError, match="'stop' or 'skip'"):
        WatchLoss(RunState("checkpoints"), "ignore")
