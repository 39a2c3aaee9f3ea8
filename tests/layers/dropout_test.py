"""Dropout against what the binomial distribution allows, and against Keras' own layer where that takes over."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from keras_bert.errors import InputError
from keras_bert.layers import Dropout, dropout_by_example
from keras_bert.layers.unpadding import remove_padding
from tests.forked_process import run_python
from tests.layer_test_case import BACKEND, to_numpy

SIZE = (500, 1001)  # odd in all, so that a random word is left over


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.5, 0.9])
def test_the_share_that_is_dropped_and_the_scale_of_what_is_kept(rate: float):
    values = to_numpy(Dropout(rate, seed=1)(ops.ones(SIZE), training=True))
    count, dropped = values.size, (values == 0).sum()
    deviation = np.sqrt(count * rate * (1 - rate))
    assert abs(dropped - count * rate) < 4 * deviation
    # The scale is one over the share that is kept on average, which lies within 1/131072 of 1 - rate.
    kept = 1 / values[values != 0].astype("float64")
    np.testing.assert_allclose(kept, 1 - rate, rtol=0, atol=1 / 2**17 + 1e-7)
    # In rows and columns, too: neighbours are halves of one random word.
    for axis in (0, 1):
        shares = (values == 0).mean(axis)
        assert abs(shares - rate).max() < 6 * np.sqrt(rate * (1 - rate) / values.shape[axis]) + 1e-3


def test_neighbours_are_dropped_independently():
    is_dropped = to_numpy(Dropout(0.3, seed=5)(ops.ones((400_000,)), training=True)) == 0
    for distance in (1, 2, 3, 4, 8):
        both = (is_dropped[distance:] & is_dropped[:-distance]).mean()
        assert both == pytest.approx(0.09, abs=4 * np.sqrt(0.09 * 0.91 / is_dropped.size))


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_the_expectation_stays_in_the_compute_dtype(policy: str):
    layer = Dropout(0.1, seed=2, dtype=policy)
    outputs = layer(ops.full(SIZE, 3.0), training=True)
    assert keras.backend.standardize_dtype(outputs.dtype) == layer.compute_dtype
    # bfloat16 has 8 binary digits: the scale lies within 0.2 % of 10/9 and its product with 3 within 0.4 %.
    tolerance = {"float32": 2e-3, "mixed_float16": 4e-3, "mixed_bfloat16": 8e-3}[policy]
    assert to_numpy(outputs).mean(dtype="float64") == pytest.approx(3.0, rel=tolerance)


def test_nothing_is_dropped_in_inference_and_at_rate_0():
    inputs = ops.ones((3, 4))
    assert Dropout(0.5)(inputs) is inputs
    assert Dropout(0.5)(inputs, training=False) is inputs
    layer = Dropout(0.0)
    assert layer(inputs, training=True) is inputs
    assert not layer.variables, "a seed that nothing draws from"


def test_everything_is_dropped_at_rate_1():
    assert not to_numpy(Dropout(1.0)(ops.ones((3, 4)), training=True)).any()


def test_a_seed_repeats_the_masks_and_each_call_draws_another():
    inputs = ops.ones((40, 50))
    one, other = Dropout(0.5, seed=7), Dropout(0.5, seed=7)
    first, second = (to_numpy(one(inputs, training=True)) for _ in range(2))
    assert (first != second).any()
    np.testing.assert_array_equal(to_numpy(other(inputs, training=True)), first)
    np.testing.assert_array_equal(to_numpy(other(inputs, training=True)), second)
    assert (to_numpy(Dropout(0.5, seed=8)(inputs, training=True)) != first).any()


def test_a_restored_state_goes_on_with_the_masks():
    """What resuming a run lies on: the state of the seed generator is all there is."""
    inputs, layer = ops.ones((40, 50)), Dropout(0.5, seed=7)
    layer(inputs, training=True)
    (state,) = layer.variables
    saved = ops.convert_to_numpy(state)
    expected = to_numpy(layer(inputs, training=True))
    fresh = Dropout(0.5, seed=1)
    fresh.variables[0].assign(saved)
    np.testing.assert_array_equal(to_numpy(fresh(inputs, training=True)), expected)
    np.testing.assert_array_equal(ops.convert_to_numpy(state) - saved, [0, 1])


def test_it_is_saved_with_all_its_arguments(tmp_path: Path):
    inputs = keras.Input((6, 4))
    layer = Dropout(0.25, noise_shape=(None, 1, 4), seed=3, name="mine", dtype="mixed_bfloat16")
    keras.Model(inputs, layer(inputs)).save(tmp_path / "model.keras")
    model = keras.saving.load_model(tmp_path / "model.keras")
    again = model.get_layer("mine")
    assert type(again) is Dropout
    assert again.get_config() == layer.get_config()
    assert (again.rate, again.noise_shape, again.seed) == (0.25, (None, 1, 4), 3)
    values = to_numpy(again(ops.ones((2, 6, 4)), training=True))
    np.testing.assert_array_equal(values, np.broadcast_to(values[:, :1], values.shape))


@pytest.mark.parametrize("rate", [-0.1, 1.5])
def test_a_rate_that_is_none_is_refused(rate: float):
    with pytest.raises(ValueError, match="rate"):
        Dropout(rate)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="elsewhere the layer is Keras' own")
@pytest.mark.parametrize("jit_compile", [None, False, True], ids=["eager", "graph", "xla"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_gradient_is_that_of_a_product_with_the_mask(dtype: str, jit_compile: bool | None):
    import tensorflow as tf

    layer = Dropout(0.3, seed=4, dtype=dtype)
    rng = np.random.default_rng(0)
    inputs, upstream = (tf.constant(rng.normal(size=(7, 5)), dtype) for _ in range(2))

    def compute() -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
        return outputs, tape.gradient(outputs, inputs, output_gradients=upstream)

    outputs, gradient = (compute if jit_compile is None else tf.function(compute, jit_compile=jit_compile))()
    is_kept = to_numpy(outputs) != 0
    assert 0 < is_kept.sum() < 35
    scale = tf.cast(1 / 0.7, dtype)
    np.testing.assert_allclose(to_numpy(outputs), to_numpy(inputs * scale) * is_kept, rtol=1e-5)
    np.testing.assert_allclose(to_numpy(gradient), to_numpy(upstream * scale) * is_kept, rtol=1e-5)


REPLICAS = """
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from keras_bert.errors import InputError
from keras_bert.layers import Dropout, dropout_by_example
from keras_bert.layers.unpadding import remove_padding

strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    layers = [Dropout(0.5, seed=7), Dropout(0.5, noise_shape=(None, 1), seed=8)]

@tf.function
def step():
    return [strategy.run(lambda: layer(tf.ones((400, 50)), training=True)) for layer in layers]

for values in zip(*(map(strategy.experimental_local_results, step()) for _ in range(2))):
    (one, other), (later, _) = ([part.numpy() for part in parts] for parts in values)
    # Of independent masks a half agree.
    for masks in ((one, other), (one, later)):
        assert 0.35 < np.mean((masks[0] == 0) == (masks[1] == 0)) < 0.65
print("apart")
"""


@pytest.mark.skipif(BACKEND != "tensorflow", reason="elsewhere the layer is Keras' own")
def test_replicas_draw_masks_of_their_own():
    assert run_python(REPLICAS) == "apart"


# -- masks by example ------------------------------------------------------------------------------------


def masks(layer: Dropout, numbers: list[int], shape: tuple[int, ...] = (6, 50)) -> np.ndarray:
    with dropout_by_example(ops.convert_to_tensor(numbers, "int64")):
        return to_numpy(layer(ops.ones((len(numbers), *shape)), training=True)) != 0


@pytest.mark.skipif(BACKEND != "tensorflow", reason="elsewhere the layer is Keras' own")
class TestByExample:
    def test_the_mask_of_an_example_is_its_own_wherever_it_stands(self):
        layer = Dropout(0.5, seed=7)
        whole = masks(layer, [4, 2**40, 6, 7])
        np.testing.assert_array_equal(masks(layer, [7, 6]), whole[[3, 2]])
        np.testing.assert_array_equal(masks(layer, [2**40]), whole[[1]])
        pairs = [(first, second) for first in range(4) for second in range(first)]
        assert all(0.4 < np.mean(whole[first] == whole[second]) < 0.6 for first, second in pairs)
        assert 0.4 < np.mean(masks(Dropout(0.5, seed=8), [4, 2**40, 6, 7]) == whole) < 0.6

    def test_the_share_that_is_dropped(self):
        kept = masks(Dropout(0.1, seed=1), list(range(100)), (999,))
        assert abs((~kept).mean() - 0.1) < 4 * np.sqrt(0.09 / kept.size)

    def test_no_seed_moves_on_and_outside_masks_are_as_ever(self):
        layer, other, inputs = Dropout(0.5, seed=7), Dropout(0.5, seed=7), ops.ones((40, 50))
        state = to_numpy(layer.variables[0])
        masks(layer, [1, 2])
        np.testing.assert_array_equal(to_numpy(layer.variables[0]), state)
        np.testing.assert_array_equal(to_numpy(layer(inputs, training=True)), to_numpy(other(inputs, training=True)))

    @pytest.mark.slow
    def test_gradients_example_by_example_add_up_to_those_of_the_batch(self):
        """In a graph; the second pass of recomputed blocks has the masks of the first."""
        import tensorflow as tf

        from keras_bert.encoder import BertEncoder
        from tests.tasks import tiny

        def gradients(checkpointing: bool, parts: list[list[int]]) -> list[np.ndarray]:
            keras.utils.set_random_seed(0)
            encoder = BertEncoder(tiny.config(num_hidden_layers=2), gradient_checkpointing=checkpointing)
            ids = tf.constant([[2, 5, 6, 3], [2, 7, 8, 3], [2, 9, 5, 3]])
            inputs = {"token_ids": ids, "segment_ids": tf.zeros_like(ids), "padding_mask": tf.ones_like(ids)}

            @tf.function
            def of(rows: tf.Tensor) -> list[tf.Tensor]:
                part = {name: tf.gather(values, rows) for name, values in inputs.items()}
                with tf.GradientTape() as tape:
                    with dropout_by_example(10 + rows):
                        outputs = encoder(part, training=True)["sequence_output"]
                    loss = tf.reduce_sum(outputs**3)
                return [tf.convert_to_tensor(each) for each in tape.gradient(loss, encoder.trainable_variables[:20])]

            found = [of(tf.constant(rows)) for rows in parts]
            return [np.sum(same, axis=0) for same in zip(*found, strict=True)]

        expected = gradients(False, [[0, 1, 2]])
        for checkpointing, parts in ((False, [[0], [2], [1]]), (True, [[0, 1, 2]]), (True, [[2, 0], [1]])):
            for one, other in zip(gradients(checkpointing, parts), expected, strict=True):
                np.testing.assert_allclose(one, other, atol=2e-5 * max(1, np.abs(other).max()))

    def test_other_numbers_than_examples_are_refused(self):
        import tensorflow as tf

        with pytest.raises(tf.errors.InvalidArgumentError, match="dropout by example"), dropout_by_example([1, 2]):
            Dropout(0.5)(ops.ones((3, 4)), training=True)
        with pytest.raises(InputError, match="unpad=False"), dropout_by_example([1, 2]):
            remove_padding(ops.ones((4, 3)), ops.array([[1, 1], [1, 0]]))


@pytest.mark.skipif(BACKEND == "tensorflow", reason="there it works")
def test_elsewhere_masks_by_example_are_refused():
    with pytest.raises(InputError, match="for Keras on TensorFlow"), dropout_by_example([1]):
        pass
