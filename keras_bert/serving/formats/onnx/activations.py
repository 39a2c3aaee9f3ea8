"""Activations in standard operators."""

import math

from keras_bert.serving.formats.onnx.graph import Graph

LOWEST = {"gelu": -0.171, "gelu_new": -0.171, "relu": 0.0, "silu": -0.279}
"""What an activation is never below, rounded down; those that are symmetric are not here."""


def activation(graph: Graph, value: str, name: str) -> str:
    """Applies an activation, float32 of any shape.

    Args:
        graph: Where the nodes go.
        value: What it is applied to.
        name: A `hidden_act` of `BertConfig`, or an activation of `Projection`: `"gelu"` (exact), `"gelu_new"` (tanh
            form), `"relu"`, `"silu"`, `"tanh"`, `"sigmoid"`, `"identity"` or `"linear"`.

    References:
        Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2.
    """
    if name in ("identity", "linear"):
        return value
    if name == "gelu":
        # In the very order of torch's export, by which ONNX Runtime and others know it as one operation.
        share = graph.add("Erf", graph.add("Div", value, graph.number(math.sqrt(2))))
        return graph.add("Mul", _times_one_plus(graph, value, share), graph.number(0.5))
    if name == "gelu_new":
        cube = graph.add("Mul", graph.add("Mul", graph.add("Mul", value, value), value), graph.number(0.044715))
        inner = graph.add("Mul", graph.add("Add", value, cube), graph.number(math.sqrt(2 / math.pi)))
        return graph.add("Mul", _times_one_plus(graph, value, graph.add("Tanh", inner)), graph.number(0.5))
    if name == "silu":
        return graph.add("Mul", value, graph.add("Sigmoid", value))
    return graph.add({"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}[name], value)


def _times_one_plus(graph: Graph, value: str, share: str) -> str:
    return graph.add("Mul", value, graph.add("Add", share, graph.number(1.0)))
