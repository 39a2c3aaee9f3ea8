"""A run that is stopped and resumed ends with the weights, bit for bit, of the same run left alone."""

import os
import signal
import types
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.training import AdamW, LinearWarmupDecay, RunState

EPOCHS, STEPS = 2, 6


def make_model(units: int = 3) -> keras.Model:
    keras.utils.set_random_seed(1)
    layers = [keras.Input((4,)), keras.layers.Dense(units), keras.layers.Dropout(0.5, seed=3), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(AdamW(LinearWarmupDecay(0.1, EPOCHS * STEPS, 3), global_clipnorm=1.0), "mse")
    return model


def epoch_of(number: int) -> tf.data.Dataset:
    rng = np.random.default_rng(number)
    return tf.data.Dataset.from_tensor_slices((rng.normal(size=(STEPS * 8, 4)), rng.normal(size=(STEPS * 8, 1)))).batch(
        8
    )


def train(model: keras.Model, state: RunState, *callbacks: keras.callbacks.Callback) -> None:
    model.stop_training = False
    while state.place["epoch"] < EPOCHS:
        batches = epoch_of(state.place["epoch"]).skip(state.place["step"])
        try:
            # With an empty data set Keras starts a step, dropout's random numbers included, before
            # it finds out.
            if state.place["step"] < STEPS:
                model.fit(batches, verbose=0, shuffle=False, callbacks=[state, *callbacks])
        finally:
            state.stop_listening()
        if state.stopped_by:
            return
        state.next_epoch()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> list[np.ndarray]:
    model = make_model()
    train(model, RunState(tmp_path_factory.mktemp("whole"), every_steps=0))
    return [variable.numpy() for variable in model.variables]


def assert_same(model: keras.Model, expected: list[np.ndarray]) -> None:
    for variable, value in zip(model.variables, expected, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value, err_msg=variable.path)


class At(keras.callbacks.Callback):
    """Does something after a number of steps."""

    def __init__(self, steps: int, action) -> None:
        super().__init__()
        self.steps, self.action = steps, action

    def on_train_batch_begin(self, batch, logs=None):
        self.steps -= 1
        if self.steps < 0:
            self.action()
            self.steps = 10**9


def crash():
    raise RuntimeError("the machine goes down")


@pytest.mark.parametrize("steps", [1, 5, 6, 7, 11])
def test_resumed_after_a_crash_the_weights_are_those_of_a_run_left_alone(tmp_path: Path, uninterrupted, steps: int):
    with pytest.raises(RuntimeError, match="goes down"):
        train(make_model(), RunState(tmp_path, every_steps=1), At(steps, crash))
    model, state = make_model(), RunState(tmp_path, every_steps=1)
    assert state.restore(model)
    assert state.place["steps"] == steps
    train(model, state)
    assert_same(model, uninterrupted)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_step_end_and_saves(tmp_path: Path, uninterrupted, number: int):
    state = RunState(tmp_path, every_steps=0)
    handler = signal.getsignal(number)
    train(make_model(), state, At(4, lambda: os.kill(os.getpid(), number)))
    assert (state.stopped_by, state.place["steps"]) == (number, 5)
    assert signal.getsignal(number) is handler
    model, resumed = make_model(), RunState(tmp_path, every_steps=0)
    assert resumed.restore(model)
    train(model, resumed)
    assert_same(model, uninterrupted)


class SlowToTrace(keras.Sequential):
    """Is told to leave while its step is traced, or when that has been computed, before `fit` hears of it."""

    moment = ""

    def train_step(self, data):
        logs = super().train_step(data)
        if self.moment == "traced":
            os.kill(os.getpid(), signal.SIGTERM)
        return logs

    def make_train_function(self, force=False):
        super().make_train_function(force)
        compute = self.train_function

        def then_told(iterator):
            logs = compute(iterator)
            if self.moment == "computed":
                os.kill(os.getpid(), signal.SIGTERM)
            return logs

        self.train_function = then_told


@pytest.mark.parametrize(("moment", "steps"), [("traced", 0), ("computed", 1)])
def test_a_signal_in_the_first_step(tmp_path: Path, uninterrupted, moment: str, steps: int):
    """Nothing is lost, and nothing is learned twice."""
    like = make_model()
    model = SlowToTrace(like.layers)
    model.compile(like.optimizer, "mse")
    model.moment = moment
    state = RunState(tmp_path, every_steps=0)
    if moment == "traced":
        with pytest.raises(SystemExit) as exit_of:
            train(model, state)
        assert exit_of.value.code == 143
    else:
        train(model, state)
    assert (state.stopped_by, state.place["steps"]) == (signal.SIGTERM, steps)
    again, resumed = make_model(), RunState(tmp_path, every_steps=0)
    assert resumed.restore(again)
    assert resumed.place["steps"] == steps
    train(again, resumed)
    assert_same(again, uninterrupted)


def test_a_signal_between_steps_saves_and_leaves_at_once(tmp_path: Path, uninterrupted):
    state = RunState(tmp_path, every_steps=0)
    in_evaluation = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: os.kill(os.getpid(), signal.SIGTERM) if batch == 2 else None
    )
    with pytest.raises(SystemExit) as exit_of:
        train(make_model(), state, in_evaluation)
    assert exit_of.value.code == 143
    model, resumed = make_model(), RunState(tmp_path, every_steps=0)
    assert resumed.restore(model)
    assert resumed.place["steps"] == 3
    train(model, resumed)
    assert_same(model, uninterrupted)


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path: Path, uninterrupted):
    with pytest.raises(RuntimeError):
        train(make_model(), RunState(tmp_path, every_steps=2), At(7, crash))
    newest = tmp_path / "step-6.data-00000-of-00001"
    newest.write_bytes(newest.read_bytes()[:-200])
    model, state = make_model(), RunState(tmp_path, every_steps=2)
    assert state.restore(model)
    assert state.place["steps"] == 4
    train(model, state)
    assert_same(model, uninterrupted)


def test_only_the_newest_are_kept(tmp_path: Path):
    train(make_model(), RunState(tmp_path, every_steps=2, keep=2))
    assert sorted(path.name for path in tmp_path.glob("*.index")) == ["step-10.index", "step-12.index"]


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", None])
def test_the_list_of_checkpoints_may_be_damaged_or_gone(tmp_path: Path, uninterrupted, damage: bytes | None):
    """TensorFlow's own list, a file named `checkpoint`; old checkpoints are deleted as ever."""
    with pytest.raises(RuntimeError):
        train(make_model(), RunState(tmp_path, every_steps=1, keep=2), At(5, crash))
    (tmp_path / "checkpoint").unlink()
    if damage is not None:
        (tmp_path / "checkpoint").write_bytes(damage)
    model, state = make_model(), RunState(tmp_path, every_steps=1, keep=2)
    assert state.restore(model)
    assert state.place["steps"] == 5
    train(model, state)
    assert_same(model, uninterrupted)
    assert len(list(tmp_path.glob("*.index"))) == 2


def test_when_none_can_be_read_it_says_so(tmp_path: Path):
    train(make_model(), RunState(tmp_path, every_steps=6, keep=3))
    for path in tmp_path.glob("*.index"):
        path.write_bytes(b"")
    with pytest.raises(InputError, match="none of its 2 checkpoints can be read"):
        RunState(tmp_path).restore(make_model())


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path):
    train(make_model(), RunState(tmp_path, every_steps=6))
    with pytest.raises(InputError, match="another model or optimizer"):
        RunState(tmp_path).restore(make_model(units=5))


def test_without_a_checkpoint_there_is_nothing_to_restore(tmp_path: Path):
    state = RunState(tmp_path)
    assert not state.restore(make_model())
    assert state.place["steps"] == 0


def test_time_spent_is_kept(tmp_path: Path):
    state = RunState(tmp_path)
    state.attach(make_model())
    state._began -= 100.0
    state.save()
    again = RunState(tmp_path)
    assert again.restore(make_model())
    assert 100 <= again.seconds < 130


@pytest.mark.parametrize(("received", "others", "expected"), [(0, 0, None), (15, 0, 15), (2, 15, 2), (0, 15, 15)])
def test_of_several_workers_all_stop_after_the_step_at_which_one_of_them_says_so(
    tmp_path: Path, received: int, others: int, expected: int | None
):
    state = RunState(tmp_path)
    state.workers = types.SimpleNamespace(sum=lambda number: number + others)
    if received:
        state._leave(received, None)
    assert state._signal_in_common() == expected


def test_a_signal_that_comes_while_workers_add_up_is_for_the_next_step(tmp_path: Path):
    """The others have had the sum without it: who saves alone waits for them in vain."""
    state = RunState(tmp_path)

    def interrupted_sum(number: int) -> int:
        state._leave(signal.SIGTERM, None)
        return number

    state.workers = types.SimpleNamespace(sum=interrupted_sum)
    assert state._signal_in_common() is None
    assert state._signal_in_common() == signal.SIGTERM


@pytest.mark.parametrize("at_once", [1, 4])
def test_updates_are_counted_however_many_are_made_at_once_and_epochs_move(tmp_path: Path, at_once: int):
    """Of 6 steps an epoch, 4 and 2 at once; 3 epochs of one `fit`, of which the first step leaves nothing."""
    model = make_model()
    optimizer = AdamW(0.1, skip_nonfinite=True)
    model.compile(optimizer, "mse", steps_per_execution=at_once)
    state = RunState(tmp_path, every_steps=5, keep=9)
    places = []
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: places.append([state.place[name] for name in ("epoch", "step", "steps")])
    )
    spoiled = epoch_of(0).map(lambda x, y: (x, y * np.nan)).take(1)
    batches = spoiled.concatenate(epoch_of(0).skip(1))
    model.fit(batches, epochs=3, verbose=0, shuffle=False, callbacks=[state, note])
    assert places == [[0, STEPS, 6], [1, STEPS, 12], [2, STEPS, 18]]
    assert (int(optimizer.iterations), int(optimizer.skipped)) == (15, 3)
    saved = sorted(int(path.stem.removeprefix("step-")) for path in tmp_path.glob("step-*.index"))
    assert saved == ([5, 10, 15] if at_once == 1 else [6, 10, 16])
