"""Products of 8-bit integers in a TensorFlow graph, by the operation that TensorFlow's own rewriter uses."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.graph import graph_function

_OPERATION = "_QuantizedMatMul"


class Limits(NamedTuple):
    """The lowest and the highest value that a tensor takes; what lies outside becomes the nearer one."""

    low: float
    high: float


def int8_product(
    kernel: np.ndarray, bias: np.ndarray, inputs: np.ndarray | Limits, gelu: Limits | None = None
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Makes a function of a graph: inputs · kernel + bias, multiplied as 8-bit integers and summed in 32 bits.

    The kernel has a step a column, see `column_scales`, and w_ij is round(w_ij / s_j). Inputs have one step,
    s = max_i h_i / 127, and are round(x / s) between -128 and 127. Since a few of BERT's hidden units are thirty times
    as large as the others, inputs are divided by the factors of `smoothing` before, and rows of the kernel multiplied.
    What a GELU gives is above -0.17; it has 256 steps between its limits, and stays in 8 bits until the next product.

    Args:
        kernel: float32 (size, units).
        bias: float32 (units,).
        inputs: h, the highest absolute value of each input, float32 (size,); or the limits of a GELU's 8 bits.
        gelu: Apply the exact GELU, whose values have these limits, and give them in 8 bits.

    Returns:
        From float32 (rows, size), or the uint8 of a GELU, to float32 (rows, units), or uint8 with `gelu`. It needs a
        graph: call it inside `tf.function`.

    References:
        tensorflow/core/kernels/mkl/mkl_matmul_op_fused.cc, `QuantizedFusedMatMulOp`;
        Jacob et al. 2017, arXiv:1712.05877; a scale a column: Wu et al. 2020, arXiv:2004.09602, section 4.2.
    """
    factors = np.ones(len(kernel), "float32") if isinstance(inputs, Limits) else smoothing(inputs, kernel)
    smoothed = kernel * factors[:, None]
    scales = column_scales(smoothed)
    steps = np.round(smoothed / scales).astype("int8")

    def product(values: tf.Tensor) -> tf.Tensor:
        if isinstance(inputs, Limits):
            quantized, limits = tf.bitcast(values, tf.quint8), inputs
        else:
            quantized, limits = _quantized(values, 1 / factors, float(np.max(inputs / factors)))
        ranges = [limits.low, limits.high, -127 * scales, 127 * scales, *(gelu or ())]
        fused = ["BiasAdd", "GeluExact", "Requantize"] if gelu else ["BiasAdd", "Dequantize"]
        weights = tf.bitcast(tf.constant(steps), tf.qint8)
        outputs = _operation(quantized, weights, tf.constant(bias, tf.float32), ranges, fused)
        return tf.bitcast(outputs, tf.uint8) if gelu else outputs

    return product


def smoothing(highest: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Returns what to divide inputs by, so that large and small ones are more alike: f_i = h_i^0.7 / w_i^0.3.

    Their geometric mean is 1. With one step for all inputs of MiniLM's products, of which the highest is 28, 98.2 % of
    the labels of SST-2's development set were those of float32; with smoothing 99.2 %.

    Args:
        highest: h, float32 (size,).
        kernel: float32 (size, units); w_i is the highest absolute value of its row i.

    Returns:
        float32 (size,), positive.

    References:
        Xiao et al. 2022, arXiv:2211.10438 (SmoothQuant), equation 4, with alpha 0.7.
    """
    rows = np.abs(kernel).max(axis=1)
    # A unit that calibration has not seen at work must not be blown up.
    inputs, weights = (np.maximum(values, max(1e-3 * values.max(), 1e-8)) for values in (highest, rows))
    logarithms = 0.7 * np.log(inputs) - 0.3 * np.log(weights)
    return np.exp(logarithms - logarithms.mean()).astype("float32")


def column_scales(kernel: np.ndarray) -> np.ndarray:
    """Returns the step of the 8-bit integers of each column of a kernel.

    It is max_i |w_ij| / 127, or larger where two neighbours, rows 2i and 2i + 1, are together more than 127 steps: a
    processor without VNNI instructions multiplies them with two inputs below 256 and adds both in 16 bits, which end at
    32,767 > 255 · 128. So every processor computes the same.

    Args:
        kernel: float32 (size, units).

    Returns:
        float32 (units,), positive.

    References:
        oneDNN, "Nuances of int8 computations": `vpmaddubsw` saturates.
    """
    padded = np.pad(kernel, ((0, len(kernel) % 2), (0, 0)))
    pairs = np.abs(padded[::2] + padded[1::2])
    most = np.maximum(np.abs(kernel).max(axis=0), pairs.max(axis=0))
    return np.maximum(most / 127, 1e-8).astype("float32")


def _quantized(values: tf.Tensor, factors: np.ndarray, most: float) -> tuple[tf.Tensor, Limits]:
    limits = Limits(-max(most, 1e-8), max(most, 1e-8))
    # With oneDNN, which TensorFlow turns on where the processor has VNNI, the larger limit is 127.5 steps from 0, which
    # the product does not know of. Without, the highest is 127 steps and the lowest 128. Here both are `most` / 127.
    outputs = tf.raw_ops.QuantizeV2(
        input=values * factors,
        min_range=limits.low * 127.5 / 127,
        max_range=limits.high,
        T=tf.qint8,
        mode="SCALED",
        round_mode="HALF_TO_EVEN",
    )
    return outputs[0], limits


def _operation(
    values: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor, ranges: Sequence[Any], fused: Sequence[str]
) -> tf.Tensor:
    """Adds TensorFlow's operation to the graph; it has no function of its own in Python."""
    in_8_bits = fused[-1] == "Requantize"
    host = [tf.constant(number, tf.float32) for number in ranges]
    outputs = [tf.quint8, tf.float32, tf.float32] if in_8_bits else [tf.float32]
    attributes = {
        "Tdevice_inputs": [values.dtype, weights.dtype, bias.dtype],
        "Thost_inputs": [tf.float32] * len(host),
        "Tdevice_outputs": outputs[:1],
        "Thost_outputs": outputs[1:],
        "T1": values.dtype,
        "T2": weights.dtype,
        "Tbias": bias.dtype,
        "U": tf.float32,
        "Tout": outputs[0],
        "fused_ops": fused,
        "input_quant_mode": "MIN_FIRST" if values.dtype == tf.quint8 else "SCALED",
        "output_quant_mode": "MIN_FIRST" if in_8_bits else "SCALED",
        "is_weight_const": True,
        "is_bias_const": True,
    }
    graph = tf.compat.v1.get_default_graph()
    attrs = {name: _attribute(value) for name, value in attributes.items()}
    return graph.create_op(_OPERATION, [values, weights, bias, *host], outputs, attrs=attrs, name="product").outputs[0]


def _attribute(value: Any) -> Any:
    attribute = tf.compat.v1.AttrValue()
    if isinstance(value, bool):
        attribute.b = value
    elif isinstance(value, str):
        attribute.s = value.encode()
    elif isinstance(value, tf.DType):
        attribute.type = value.as_datatype_enum
    else:
        attribute.list.SetInParent()
        for inner in value:
            if isinstance(inner, str):
                attribute.list.s.append(inner.encode())
            else:
                attribute.list.type.append(inner.as_datatype_enum)
    return attribute


@functools.cache
def check_int8_products() -> None:
    """Computes a small product in 8 bits and one with a GELU behind it.

    Raises:
        InputError: This TensorFlow or this processor has no such operation, or it computes something else.
    """
    kernel, bias = np.array([[1.0, -2.0], [0.5, 1.0]], "float32"), np.array([0.25, 0.0], "float32")
    highest, limits = np.array([2.0, 2.0], "float32"), Limits(-0.17, 4.0)
    plain, first = int8_product(kernel, bias, highest), int8_product(kernel, bias, highest, gelu=limits)
    second = int8_product(kernel, bias, limits)
    values = tf.constant([[1.0, -1.0], [2.0, 0.5]])
    expected = values @ kernel + bias
    try:
        products, chained = graph_function(lambda: (plain(values), second(first(values))))()
    except (tf.errors.OpError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0][:120]
        raise InputError(
            f"dtype='int8' of a SavedModel needs the operation {_OPERATION}, which TensorFlow {tf.__version__} does "
            f"not run on this processor ({reason}); format='litert' or 'onnx' do without it"
        ) from error
    behind = tf.nn.gelu(expected) @ kernel + bias
    if np.abs(products - expected).max() > 0.05 or np.abs(chained - behind).max() > 0.1:
        raise InputError(
            f"TensorFlow {tf.__version__} computes {_OPERATION} in another way than this version knows; export with "
            "another dtype, or format='litert' or 'onnx'"
        )
