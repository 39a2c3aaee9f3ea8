"""The checks that every layer must pass, in the manner of KerasHub's `run_layer_test`.

They run on whichever backend Keras has: compiling and fitting are left out where the backend has none.
"""

import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops, tree

BACKEND = keras.config.backend()

# How far outputs may lie from those in float32, as a share of the largest of them.
TOLERANCES = {
    "float32": 1e-6,
    "mixed_float16": 5e-3,
    "mixed_bfloat16": 4e-2,
    "bfloat16": 4e-2,
}


def to_numpy(tensor: Any) -> np.ndarray:
    """Any tensor as numpy; half precisions as float32, which holds them exactly."""
    tensor = ops.convert_to_tensor(tensor)
    if keras.backend.standardize_dtype(tensor.dtype) in ("float16", "bfloat16"):
        tensor = ops.cast(tensor, "float32")
    return ops.convert_to_numpy(tensor)


def randomize(layer: Any, seed: int = 0, scale: float = 0.5) -> None:
    """Gives every weight, biases and norms too, values that no initializer would."""
    rng = np.random.default_rng(seed)
    for weight in layer.weights:
        centre = 1.0 if weight.name == "gamma" else 0.0
        weight.assign(rng.normal(centre, scale, weight.shape).astype("float32"))


def run_layer_test(
    cls: type,
    init_kwargs: Mapping[str, Any],
    inputs: Sequence[np.ndarray],
    expected_output_shape: tuple[int, ...] | list[tuple[int, ...]],
    folder: Path,
    expected_trainable_weights: int = 0,
    expected_frozen_weights: int = 0,
) -> None:
    """Checks configuration, shapes, compilation, saving, training and dtype policies of a layer.

    Args:
        cls: The layer's class.
        init_kwargs: Every argument of its constructor, none with the default value.
        inputs: The positional arguments of a call.
        expected_output_shape: One shape, or a list of them if the layer gives several outputs.
        folder: An empty folder, `tmp_path`.
        expected_trainable_weights: How many there are.
        expected_frozen_weights: How many others there are.
    """
    shapes = [expected_output_shape] if isinstance(expected_output_shape, tuple) else expected_output_shape
    check_config(cls, init_kwargs)

    layer = cls(**init_kwargs, dtype="float32")
    outputs = layer(*inputs)
    assert layer.built
    assert len(layer.trainable_weights) == expected_trainable_weights
    assert len(layer.non_trainable_weights) == expected_frozen_weights
    randomize(layer)
    outputs = [to_numpy(output) for output in tree.flatten(layer(*inputs))]
    assert [output.shape for output in outputs] == shapes

    check_symbolic(layer, inputs, shapes)
    for call in compiled(layer):
        assert_all_close(call(*inputs), outputs, 1e-5)
    check_saving(layer, inputs, outputs, folder)
    check_policies(layer, inputs, outputs)
    if expected_trainable_weights and BACKEND != "numpy":
        check_fit(layer, inputs, outputs)


def check_config(cls: type, init_kwargs: Mapping[str, Any]) -> None:
    own = cls.__init__ is not keras.layers.Layer.__init__
    parameters = [
        parameter
        for parameter in inspect.signature(cls.__init__).parameters.values()
        if own and parameter.name != "self" and parameter.kind is not parameter.VAR_KEYWORD
    ]
    names = [parameter.name for parameter in parameters]
    assert sorted(names) == sorted(init_kwargs), "the test must give every argument"
    for parameter in parameters:
        assert init_kwargs[parameter.name] != parameter.default, f"{parameter.name} has its default in the test"

    policy = keras.dtype_policies.DTypePolicy("mixed_bfloat16")
    layer = cls(**init_kwargs, name="under_test", trainable=False, dtype=policy)
    config = json.loads(json.dumps(layer.get_config()))
    assert [name for name in config if name in names] == names, "get_config lacks an argument, or has another order"
    for name, value in init_kwargs.items():
        assert config[name] == value
        assert getattr(layer, name) == value
    assert (config["name"], config["trainable"]) == ("under_test", False)
    assert config["dtype"]["config"]["name"] == "mixed_bfloat16"

    assert json.loads(json.dumps(cls.from_config(config).get_config())) == config
    stored = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    assert stored["registered_name"] == f"keras_bert>{cls.__name__}"
    again = keras.saving.deserialize_keras_object(stored)
    assert type(again) is cls
    assert json.loads(json.dumps(again.get_config())) == config


def check_symbolic(layer: Any, inputs: Sequence[np.ndarray], shapes: list[tuple[int, ...]]) -> None:
    computed = layer.compute_output_shape(*(array.shape for array in inputs))
    assert (list(computed) if len(shapes) > 1 else [computed]) == shapes
    outputs = tree.flatten(layer(*symbolic(inputs)))
    for output, shape in zip(outputs, shapes, strict=True):
        assert output.shape == (None, *shape[1:])
        assert output.dtype == layer.compute_dtype


def symbolic(inputs: Sequence[np.ndarray]) -> list[Any]:
    return [keras.Input(batch_shape=(None, *array.shape[1:]), dtype=str(array.dtype)) for array in inputs]


def compiled(layer: Any) -> Iterator[Callable[..., Any]]:
    if BACKEND == "tensorflow":
        import tensorflow as tf

        yield tf.function(lambda *inputs: layer(*inputs))
        yield tf.function(lambda *inputs: layer(*inputs), jit_compile=True)
    if BACKEND == "jax":
        import jax

        yield jax.jit(lambda *inputs: layer(*inputs))


def check_saving(layer: Any, inputs: Sequence[np.ndarray], outputs: list[np.ndarray], folder: Path) -> None:
    tensors = symbolic(inputs)
    keras.Model(tensors, layer(*tensors)).save(folder / "layer.keras")
    model = keras.saving.load_model(folder / "layer.keras")
    reloaded = [found for found in model.layers if type(found) is type(layer)]
    assert [found.get_config() for found in reloaded] == [layer.get_config()]
    assert_all_close(reloaded[0](*inputs), outputs, 0)


def check_policies(layer: Any, inputs: Sequence[np.ndarray], outputs: list[np.ndarray]) -> None:
    for name, tolerance in TOLERANCES.items():
        policy = keras.dtype_policies.DTypePolicy(name)
        other = type(layer).from_config({**layer.get_config(), "dtype": name})
        other(*inputs)
        other.set_weights(layer.get_weights())
        assert {weight.dtype for weight in other.weights} <= {policy.variable_dtype}
        results = other(*inputs)
        for result in tree.flatten(results):
            assert keras.backend.standardize_dtype(result.dtype) == policy.compute_dtype
        assert_all_close(results, outputs, tolerance)


def check_fit(layer: Any, inputs: Sequence[np.ndarray], outputs: list[np.ndarray]) -> None:
    """One step changes every weight: each is connected, and each output gives a gradient."""
    rng = np.random.default_rng(1)
    trained = type(layer).from_config(layer.get_config())
    tensors = symbolic(inputs)
    model = keras.Model(tensors, tree.flatten(trained(*tensors)))
    trained.set_weights(layer.get_weights())
    targets = [rng.normal(size=output.shape).astype("float32") for output in outputs]

    # Inputs of one call may have other first sizes (tokens of all rows, rows): Keras minds in arrays only.
    def batches() -> Iterator[tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]]:
        yield tuple(inputs), tuple(targets)

    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=["mse"] * len(targets), jit_compile=BACKEND != "torch")
    history = model.fit(batches(), steps_per_epoch=1, shuffle=False, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    for weight, before in zip(trained.trainable_weights, layer.trainable_weights, strict=True):
        assert np.any(to_numpy(weight) != to_numpy(before)), f"{weight.path} was not trained"


def assert_all_close(actual: Any, expected: Sequence[np.ndarray], tolerance: float) -> None:
    for got, wanted in zip(tree.flatten(actual), expected, strict=True):
        atol = tolerance * max(1.0, np.abs(wanted).max())
        np.testing.assert_allclose(to_numpy(got), wanted, rtol=0, atol=atol)
