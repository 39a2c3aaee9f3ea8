"""A dense layer on finished vectors, as sentence-transformers has it."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_bert.layers.checked_layer import CheckedLayer

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda inputs: inputs,
    "tanh": ops.tanh,
    "relu": ops.relu,
    "gelu": lambda inputs: ops.gelu(inputs, approximate=False),
    "sigmoid": ops.sigmoid,
    "silu": ops.silu,
}


@keras.saving.register_keras_serializable(package="keras_bert")
class Projection(CheckedLayer):
    """`activation(inputs · kernel + bias)`, and perhaps the inputs added to it.

    Args:
        units: Size of the output.
        activation: Name of the activation, one of `ACTIVATIONS`; `"gelu"` is the exact one.
        use_bias: Whether there is a bias.
        use_residual: Add the inputs, through a matrix of their own where their size is another.
        initializer_range: Standard deviation of the truncated normal that the matrices start from.
        **kwargs: Those of `keras.layers.Layer`.

    Call arguments:
        inputs: float (batch, size).

    Returns:
        float (batch, units).

    Raises:
        ValueError: `units` is not positive, or there is no such activation.

    Example:
        >>> tuple(Projection(3)(keras.ops.ones((2, 4))).shape)
        (2, 3)

    References:
        sentence-transformers, modules/dense.py; Feng et al. 2022, arXiv:2007.01852 (LaBSE), which ends in one.
    """

    def __init__(
        self,
        units: int,
        activation: str = "tanh",
        use_bias: bool = True,
        use_residual: bool = False,
        initializer_range: float = 0.02,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"units must be positive, received: {units}")
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, received: {activation!r}")
        self.units = units
        self.activation = activation
        self.use_bias = use_bias
        self.use_residual = use_residual
        self.initializer_range = initializer_range
        self.kernel: Any = None
        self.bias: Any = None
        self.residual: Any = None

    def build(self, inputs_shape: tuple[int | None, ...]) -> None:
        shape = (inputs_shape[-1], self.units)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=self._initializer())
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
        if self.use_residual and inputs_shape[-1] != self.units:
            self.residual = self.add_weight(name="residual", shape=shape, initializer=self._initializer())

    def _initializer(self) -> keras.initializers.Initializer:
        return keras.initializers.TruncatedNormal(stddev=self.initializer_range)

    def call(self, inputs: Any) -> Any:
        outputs = ops.matmul(inputs, self.kernel)
        outputs = ACTIVATIONS[self.activation](outputs if self.bias is None else outputs + self.bias)
        if not self.use_residual:
            return outputs
        return outputs + (inputs if self.residual is None else ops.matmul(inputs, self.residual))

    def compute_output_shape(self, inputs_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*inputs_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": self.activation,
            "use_bias": self.use_bias,
            "use_residual": self.use_residual,
            "initializer_range": self.initializer_range,
        }
