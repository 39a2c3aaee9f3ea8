"""Bad steps: named, not learned, not counted in the metrics."""

import logging
from pathlib import Path

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


def test_another_word_is_refused():
    with pytest.raises(ValueError, match="'stop' or 'skip'"):
        WatchLoss(RunState("checkpoints"), "ignore")
