"""Products in 8 bits: as exact as 8 bits are, whatever the processor."""

from typing import Any

import numpy as np
import onnxruntime
import pytest

from keras_bert.runtime.onnx_engine import session_options
from keras_bert.serving.formats.onnx.activations import LOWEST, activation
from keras_bert.serving.formats.onnx.graph import Graph
from keras_bert.serving.formats.onnx.products import (
    Dense,
    Product,
    byte_product,
    float_product,
    fused_byte_product,
    quantized,
)


def computed(graph: Graph, value: str, inputs: np.ndarray) -> np.ndarray:
    graph.output(value, "y", ["rows", "out"])
    model = graph.model("").SerializeToString()
    session = onnxruntime.InferenceSession(model, session_options(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": inputs})[0]


def graph_of_floats() -> Graph:
    graph = Graph()
    graph.input("x", "FLOAT", ["rows", "in"])
    return graph


def multiplied(product: Product, inputs: np.ndarray, dense: Dense, **options: Any) -> np.ndarray:
    graph = graph_of_floats()
    return computed(graph, graph.add("Add", *product(graph, "x", dense, **options)), inputs)


@pytest.mark.parametrize("axis", [0, 1])
def test_each_column_or_row_has_a_scale_of_its_own(axis: int):
    weight = np.random.default_rng(0).standard_normal((5, 4)).astype("float32") * [[1, 10, 100, 0]]
    whole, scales = quantized(weight.astype("float32"), axis)
    assert whole.dtype == np.int8
    assert scales.shape == (weight.shape[1 - axis],)
    step = np.expand_dims(scales, axis)
    assert np.abs(whole * step - weight).max() <= step.max() / 2 + 1e-6
    assert np.abs(whole).max() == 127


@pytest.mark.parametrize("product", [byte_product, fused_byte_product])
def test_the_largest_numbers_do_not_overflow(product: Product):
    # 255 · 127 + 255 · 127 in 16 bits, as processors without VNNI add a pair, is 32,767 and not 64,770.
    dense = Dense("dense", np.full((64, 16), 2.0, "float32"), np.full(16, 0.5, "float32"))
    inputs = np.concatenate([np.full((3, 64), 10.0), np.full((3, 64), -10.0), np.zeros((1, 64))]).astype("float32")
    np.testing.assert_allclose(multiplied(product, inputs, dense), inputs @ dense.weight + 0.5, rtol=1e-5)
    shifted = np.maximum(inputs, -0.17)
    found = multiplied(product, shifted, dense, lowest=-0.17)
    np.testing.assert_allclose(found, shifted @ dense.weight + 0.5, rtol=1e-5, atol=1e-4)


def test_what_is_never_below_a_number_is_twice_as_fine():
    generator = np.random.default_rng(0)
    dense = Dense("dense", generator.standard_normal((256, 8)).astype("float32"), np.zeros(8, "float32"))
    inputs = np.maximum(generator.standard_normal((50, 256)) * 3, -0.17).astype("float32")
    exact = multiplied(float_product, inputs, dense)
    np.testing.assert_allclose(exact, inputs @ dense.weight, rtol=1e-4, atol=1e-4)
    whole, scales = quantized(dense.weight, 0)
    rounded = inputs @ (whole * scales)  # what the rounding of the weights alone gives
    errors = {}
    for lowest in (None, -0.17):
        found = multiplied(byte_product, inputs, dense, lowest=lowest)
        np.testing.assert_allclose(multiplied(fused_byte_product, inputs, dense, lowest=lowest), found, atol=1e-3)
        errors[lowest] = np.abs(found - rounded).mean()
    assert errors[-0.17] < 0.6 * errors[None], errors


@pytest.mark.parametrize("name", LOWEST)
def test_no_activation_is_below_its_lowest_and_each_comes_near(name: str):
    graph = graph_of_floats()
    inputs = np.linspace(-20, 20, 400_001, dtype="float32")[:, None]
    lowest = computed(graph, activation(graph, "x", name), inputs).min()
    assert LOWEST[name] <= lowest <= LOWEST[name] + 0.002
