"""Activations by the names that BERT's config files use."""

from collections.abc import Callable
from typing import Any

import keras

_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "gelu": lambda inputs: keras.ops.gelu(inputs, approximate=False),
    "gelu_new": lambda inputs: keras.ops.gelu(inputs, approximate=True),
    "relu": keras.ops.relu,
    "silu": keras.ops.silu,
    "tanh": keras.ops.tanh,
}


def activation(name: str) -> Callable[[Any], Any]:
    """Returns the activation function of a `hidden_act`.

    Args:
        name: `"gelu"` (exact, with the error function), `"gelu_new"` (tanh approximation), `"relu"`,
            `"silu"`, or `"tanh"`.

    Raises:
        ValueError: There is no such activation.

    Example:
        >>> float(activation("relu")(keras.ops.array([-1.0]))[0])
        0.0

    References:
        Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2.
    """
    if name not in _ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(_ACTIVATIONS)}, received: {name!r}")
    return _ACTIVATIONS[name]
