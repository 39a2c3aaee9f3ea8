"""The profile of a step whose parts sleep for a known time; and of a real one, that it does what `fit` does."""

import doctest

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.training import AdamW, StepProfile, profile_step, step_profile

WAITING, FORWARD, BACKWARD, UPDATE = 0.05, 0.06, 0.14, 0.1


class Clock:
    """Goes on when a part sleeps and at no other time, so that a busy machine changes nothing."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def asleep(tensor: tf.Tensor, seconds: float) -> tf.Tensor:
    def sleep(value: tf.Tensor) -> tf.Tensor:
        step_profile.time.sleep(seconds)  # by the clock that the profile reads
        return value

    result = tf.py_function(sleep, [tensor], tensor.dtype)
    result.set_shape(tensor.shape)
    return result


class SleepyLayer(keras.layers.Layer):
    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        @tf.custom_gradient
        def sleepy(inputs: tf.Tensor) -> tf.Tensor:
            return asleep(inputs, FORWARD), lambda upstream: asleep(upstream, BACKWARD)

        return sleepy(inputs)


class SleepyOptimizer(AdamW):
    def apply(self, grads: list[tf.Tensor], trainable_variables: list[keras.Variable] | None = None) -> None:
        super().apply([asleep(gradient, UPDATE / len(grads)) for gradient in grads], trainable_variables)


def small_model(*layers: keras.layers.Layer, optimizer: type[AdamW] = AdamW) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), *layers, keras.layers.Dense(1)])
    model.compile(optimizer(0.1), "mse", metrics=["mae"], jit_compile=False)
    return model


def small_batches(rows: int = 20) -> tf.data.Dataset:
    inputs = np.random.default_rng(0).normal(size=(rows, 4)).astype("float32")
    return tf.data.Dataset.from_tensor_slices((inputs, inputs[:, :1])).batch(8)


def sleepy_profile(prefetch: bool) -> StepProfile:
    batches = small_batches().map(lambda x, y: (asleep(x, WAITING), tf.ensure_shape(y, (None, 1))))
    options = tf.data.Options()
    options.experimental_optimization.inject_prefetch = prefetch
    model = small_model(SleepyLayer(), optimizer=SleepyOptimizer)
    return profile_step(model, batches.with_options(options), steps=3, warm_up=1)


def test_each_part_is_found_where_the_time_goes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(step_profile, "time", Clock())
    profile = sleepy_profile(prefetch=False)
    found = [profile.waiting, profile.forward, profile.backward, profile.update]
    np.testing.assert_allclose(found, [1e3 * part for part in (WAITING, FORWARD, BACKWARD, UPDATE)], rtol=1e-9)


def test_input_beside_the_steps_is_not_waited_for():
    """By the real clock: of 50 ms for a batch, next to a step of 300."""
    assert sleepy_profile(prefetch=True).waiting < 0.5 * 1e3 * WAITING


def test_the_steps_are_those_of_fit_and_batches_begin_again():
    model, batches = small_model(), small_batches()
    start = model.get_weights()
    profile = profile_step(model, batches, steps=4, warm_up=1)
    # One to build, five one after the other, five in parts.
    assert int(model.optimizer.iterations) == 11
    assert any((one != other).any() for one, other in zip(start, model.get_weights(), strict=True))
    assert profile.steps == 4
    assert min(profile.waiting, profile.forward) > 0
    fitted = small_model()
    first = batches.take(1)
    fitted.fit(first, verbose=0)
    again = small_model()
    forward, both, whole = step_profile._functions(again, first.element_spec)
    (batch,) = first
    again.train_on_batch(*batch)
    for one, other in zip(fitted.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    loss, gradients = both(batch)
    assert float(loss) == pytest.approx(float(forward(batch)))
    assert [gradient.shape for gradient in gradients] == [weight.shape for weight in again.trainable_variables]
    fitted.fit(first, verbose=0)
    whole(batch)
    for one, other in zip(fitted.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_no_batch_is_an_error():
    with pytest.raises(InputError, match="there is no batch"):
        profile_step(small_model(), small_batches().take(0))


def test_the_examples_and_the_table():
    assert doctest.testmod(step_profile).failed == 0
    lines = str(StepProfile(waiting=1.0, forward=2.0, backward=4.0, update=1.0, steps=7)).splitlines()
    assert lines[0].split() == ["waiting", "for", "input", "1.0", "ms", "12.5", "%"]
    assert lines[-1] == "a step                 8.0 ms, medians of 7 steps"
