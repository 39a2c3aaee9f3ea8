"""The products of hidden states with weights: in float32, or in 8 bits."""

import dataclasses
from typing import Protocol

import numpy as np

from keras_bert.serving.formats.onnx.graph import MICROSOFT, Graph

LARGEST = 127
"""The largest magnitude of 8 bits with a sign, the same on both sides."""

# What stands for 0 in a byte without a sign.
_ZERO = 128
# A row of zeros is divided by this.
_TINY = 1e-30


@dataclasses.dataclass(frozen=True)
class Dense:
    """A dense layer: `weight` float32 (in, out), `bias` float32 (out,), and the name that its constants begin with."""

    name: str
    weight: np.ndarray
    bias: np.ndarray


class Product(Protocol):
    """Adds `inputs · weight` to a graph.

    Takes the graph; the inputs, float32 (..., in); the layer; and what no input is below, if that is known.
    Returns float32 (..., out), and the bias that is left to be added.
    """

    def __call__(self, graph: Graph, inputs: str, dense: Dense, lowest: float | None = None) -> tuple[str, str]:
        """See the class."""
        ...


def quantized(weight: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Brings a matrix to 8 bits, symmetrically, with a scale for each column or row.

    Args:
        weight: float32 (rows, columns).
        axis: The axis that a scale is for: 0 gives a scale a column, 1 a scale a row.

    Returns:
        int8 (rows, columns), and the scales, float32 (columns,) or (rows,): `weight ≈ int8 · scale`.

    Example:
        >>> quantized(np.array([[1.0, -254.0], [-127.0, 0.0]], "float32"), axis=0)[1].tolist()
        [1.0, 2.0]
    """
    scale = np.abs(weight).max(axis=axis, keepdims=True) / np.float32(LARGEST)
    scale[scale == 0] = 1.0
    whole = np.clip(np.round(weight / scale), -LARGEST, LARGEST).astype("int8")
    return whole, scale.reshape(-1)


def float_product(graph: Graph, inputs: str, dense: Dense, lowest: float | None = None) -> tuple[str, str]:
    """Multiplies in float32; see `Product`."""
    del lowest
    product = graph.add("MatMul", inputs, graph.constant(f"{dense.name}.weight", dense.weight))
    return product, graph.constant(f"{dense.name}.bias", dense.bias)


def byte_product(graph: Graph, inputs: str, dense: Dense, lowest: float | None = None) -> tuple[str, str]:
    """Multiplies in 8 bits with standard operators: a scale for each column of the weights and for each token.

    A token's scale is that of its own numbers, so that neither padding nor other texts of the batch change it. Both
    sides of a product are bytes without a sign, which every processor multiplies exactly. See `Product`.
    """
    layer = _ByteLayer(graph, inputs, dense, lowest)
    weight = graph.constant(f"{dense.name}.bytes", (layer.whole.astype("int16") + _ZERO).astype("uint8"))
    shift = graph.number(layer.zero + 0.5)  # a cast cuts what is behind the point: 0.5 more rounds
    if lowest is not None:
        shift = graph.add("Add", graph.add("Div", graph.number(-lowest), layer.input_scale), shift)
    whole = graph.cast(graph.add("Add", graph.add("Div", inputs, layer.input_scale), shift), "UINT8")
    zero = graph.constant(f"byte_{layer.zero}", np.uint8(layer.zero))
    weight_zero = graph.constant(f"byte_{_ZERO}", np.uint8(_ZERO))
    sums = graph.add("MatMulInteger", whole, weight, zero, weight_zero)
    product = graph.add("Mul", graph.cast(sums, "FLOAT"), layer.input_scale)
    return graph.add("Mul", product, layer.weight_scale), layer.bias


def fused_byte_product(graph: Graph, inputs: str, dense: Dense, lowest: float | None = None) -> tuple[str, str]:
    """Does the same as `byte_product` for inputs float32 (tokens, in), in fewer steps.

    An operator of ONNX Runtime applies the scales of the columns, and one that takes a scale a row makes the bytes. The
    weights have a sign, which is what VNNI multiplies: 1.6 times as fast there as without one. A processor without VNNI
    adds such products in 16 bits, which overflow, unless the session's option `session.x64quantprecision` is `"1"`, as
    keras_bert.runtime sets it.

    References:
        onnxruntime, core/optimizer/qdq_transformer/avx2_weight_s8_to_u8.cc.
    """
    layer = _ByteLayer(graph, inputs, dense, lowest)
    scales = graph.add("Squeeze", layer.input_scale, graph.integers(1))
    if lowest is not None:
        inputs = graph.add("Sub", inputs, graph.number(lowest))
    zero = graph.constant(f"byte_{layer.zero}", np.uint8(layer.zero))
    zeros = graph.add("Expand", zero, graph.add("Shape", scales))
    whole = graph.add("QuantizeLinear", inputs, scales, zeros, axis=0)
    factors = (graph.number(1.0), layer.weight_scale)
    weight = graph.constant(f"{dense.name}.bytes", layer.whole)
    product = graph.add("MatMulIntegerToFloat", whole, weight, *factors, zero, domain=MICROSOFT)
    return graph.add("Mul", product, layer.input_scale), layer.bias


class _ByteLayer:
    """A dense layer in 8 bits, and the scales of its inputs, in a graph.

    Inputs of which nothing is known are symmetric around the byte 128. Those that are never below some number, such as
    what comes out of a GELU, are counted from that, which is twice as fine: (x - lowest) · W + lowest · ΣW.

    Attributes:
        whole: The weights, int8 (in, out).
        weight_scale: Name of their scales, float32 (out,).
        bias: Name of the bias, float32 (out,), with what the counting from `lowest` leaves.
        zero: The byte that stands for 0, or for `lowest`.
        input_scale: Name of the inputs' scales, float32 (..., 1).
    """

    def __init__(self, graph: Graph, inputs: str, dense: Dense, lowest: float | None) -> None:
        self.whole, scales = quantized(dense.weight, axis=0)
        self.weight_scale = graph.constant(f"{dense.name}.scale", scales)
        bias = dense.bias
        if lowest is None:
            self.zero, steps = _ZERO, LARGEST
            largest = graph.add("ReduceMax", graph.add("Abs", inputs), axes=[-1])
        else:
            self.zero, steps = 0, 2 * LARGEST + 1
            largest = graph.add("Sub", graph.add("ReduceMax", inputs, axes=[-1]), graph.number(lowest))
            bias = (bias + lowest * (self.whole.astype("float64") * scales).sum(axis=0)).astype("float32")
        self.bias = graph.constant(f"{dense.name}.bias", bias)
        self.input_scale = graph.add("Max", graph.add("Mul", largest, graph.number(1 / steps)), graph.number(_TINY))
