"""A dense layer whose bias and activation fuse with the product."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras import ops

from keras_bert.layers.activations import activation as get_activation
from keras_bert.layers.bias_add import bias_add
from keras_bert.layers.checked_layer import CheckedLayer
from keras_bert.layers.example_norms import dense_squares, tapped
from keras_bert.layers.gelu import gelu_with_lean_gradient


@keras.saving.register_keras_serializable(package="keras_bert")
class Linear(CheckedLayer):
    """`activation(inputs · kernel + bias)` over the last axis.

    Fastest on two-dimensional inputs: there the product, the bias and a GELU run as one kernel on a CPU.

    Args:
        units: Size of the last axis of the output.
        activation: Name of the activation (see `keras_bert.layers.activations`), or None.
        initializer_range: Standard deviation of the truncated normal that the kernel starts from
            (google-research/bert, modeling.py, `create_initializer`); the bias starts at zero.
        **kwargs: Those of `keras.layers.Layer`.

    Call arguments:
        inputs: float (..., size).

    Returns:
        float (..., units).

    Example:
        >>> tuple(Linear(3, activation="tanh")(keras.ops.ones((2, 4))).shape)
        (2, 3)
    """

    def __init__(
        self, units: int, activation: str | None = None, initializer_range: float = 0.02, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"units must be positive, received: {units}")
        self.units = units
        self.activation = activation
        self.initializer_range = initializer_range
        self._activation = get_activation(activation) if activation else None
        self.kernel: Any = None
        self.bias: Any = None
        self._stand_in: Callable[[Any], Any] | None = None

    def build(self, inputs_shape: tuple[int | None, ...]) -> None:
        self.kernel = self.add_weight(
            name="kernel",
            shape=(inputs_shape[-1], self.units),
            initializer=keras.initializers.TruncatedNormal(stddev=self.initializer_range),
        )
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self._stand_in(inputs) if self._stand_in is not None else self.compute(inputs, training)

    def compute(self, inputs: Any, training: bool = False) -> Any:
        """Computes the outputs, whatever stands in for the layer; arguments as those of the call."""
        outputs = self.product(inputs, training)
        if training and self.activation == "gelu":
            return gelu_with_lean_gradient(outputs)
        return self.activate(outputs)

    def product(self, inputs: Any, training: bool = False) -> Any:
        """Computes inputs · kernel + bias, float (..., units)."""
        del training
        outputs = bias_add(ops.matmul(inputs, self.kernel), self.bias)
        return tapped(outputs, (self.kernel, self.bias), functools.partial(dense_squares, inputs))

    def activate(self, outputs: Any) -> Any:
        """Applies the activation, if there is one, to a product with its bias."""
        return self._activation(outputs) if self._activation else outputs

    @contextlib.contextmanager
    def computed_by(self, function: Callable[[Any], Any]) -> Iterator[None]:
        """Has a function of the inputs stand in for the layer: an export in 8 bits, or one that looks at its inputs.

        Args:
            function: From the layer's inputs, float (..., size), to what the next layer takes.
        """
        self._stand_in = function
        try:
            yield
        finally:
            self._stand_in = None

    def compute_output_shape(self, inputs_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*inputs_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": self.activation,
            "initializer_range": self.initializer_range,
        }
