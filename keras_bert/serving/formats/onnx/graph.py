"""An ONNX graph as it grows: nodes, constants, inputs and outputs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_bert.version import __version__

OPSET = 17
"""Standard operators: the first set with `LayerNormalization`, which every runtime of today has."""

IR_VERSION = 8
"""The file's own version, that of onnx 1.12, which came with opset 17."""

MICROSOFT = "com.microsoft"
"""Operators that ONNX Runtime has beside the standard (docs/ContribOperators.md there), version 1."""


class Graph:
    """Collects what becomes an ONNX model.

    Values are known by their names, strings, as in ONNX itself: each method that makes a value returns its name.

    Example:
        >>> graph = Graph()
        >>> graph.input("x", "INT64", ["batch_size"])
        'x'
        >>> graph.add("Mul", "x", graph.constant("two", np.int64(2)))
        'Mul_0'
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self.domains: dict[str, int] = {"": OPSET}

    def input(self, name: str, kind: str, shape: Sequence[str | int]) -> str:
        """Declares an input of a kind of `onnx.TensorProto`, such as `"INT64"`; axes that change have names."""
        self.inputs.append(_value(name, kind, shape))
        return name

    def output(self, value: str, name: str, shape: Sequence[str | int]) -> None:
        """Gives a float32 value out under a name."""
        self.add("Identity", value, into=[name])
        self.outputs.append(_value(name, "FLOAT", shape))

    def constant(self, name: str, value: Any) -> str:
        """Keeps an array; the same name stands for the same array."""
        if name not in self.constants:
            self.constants[name] = np.ascontiguousarray(value).reshape(np.shape(value))
        return name

    def integers(self, *values: int) -> str:
        """Keeps int64 (values,), such as axes or the shape for a `Reshape`."""
        return self.constant(f"integers_{'_'.join(map(str, values))}", np.array(values, np.int64))

    def index(self, value: int) -> str:
        """Keeps one int64, without axes."""
        return self.constant(f"index_{value}", np.int64(value))

    def number(self, value: float) -> str:
        """Keeps one float32."""
        return self.constant(f"float_{value!r}", np.float32(value))

    def add(
        self, operator: str, *inputs: str, domain: str = "", into: Sequence[str] | None = None, **attributes: Any
    ) -> str:
        """Adds a node with one output and returns that; `into` names the outputs instead, "" for one left out."""
        from onnx import helper

        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), into or [name], name, domain=domain, **attributes))
        if domain:
            self.domains[domain] = 1
        return next(output for output in into or [name] if output)

    def split(self, value: str, parts: int) -> list[str]:
        """Splits the last axis into parts of the same size."""
        names = [f"Split_{len(self.nodes)}_{part}" for part in range(parts)]
        self.add("Split", value, into=names, axis=-1)
        return names

    def cast(self, value: str, kind: str) -> str:
        """Casts to a kind of `onnx.TensorProto`."""
        import onnx

        return self.add("Cast", value, to=getattr(onnx.TensorProto, kind))

    def model(self, description: str) -> Any:
        """Returns the `onnx.ModelProto`."""
        from onnx import helper, numpy_helper

        constants = [numpy_helper.from_array(value, name) for name, value in self.constants.items()]
        graph = helper.make_graph(self.nodes, "bert", self.inputs, self.outputs, constants)
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid(domain, version) for domain, version in self.domains.items()],
            ir_version=IR_VERSION,
            producer_name="keras_bert",
            producer_version=__version__,
            doc_string=description,
        )


def _value(name: str, kind: str, shape: Sequence[str | int]) -> Any:
    import onnx

    return onnx.helper.make_tensor_value_info(name, getattr(onnx.TensorProto, kind), list(shape))
