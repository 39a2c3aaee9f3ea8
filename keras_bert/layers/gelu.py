"""The exact GELU with a gradient that costs little."""

import math
from typing import Any

from keras import ops

from keras_bert.layers.wide import wide as wide_of


@ops.custom_gradient
def gelu_with_lean_gradient(inputs: Any) -> Any:
    """`x · Φ(x)`, and in the backward pass `Φ(x) + x · φ(x)`, for training.

    Φ is the distribution function of the normal distribution, φ its density. Both passes compute in float32 at least,
    whatever the dtype of the inputs, with the error function in place of its complement: on a CPU TensorFlow computes
    the latter number by number, in bfloat16 by way of float32 besides. At the sizes of a small BERT this takes a
    quarter of the time of `keras.ops.gelu` and its gradient, which are about a seventh of a training step. Without a
    backward pass `keras.ops.gelu` is the faster one, since it fuses with the product before it.

    Args:
        inputs: float (...).

    Returns:
        float (...), of the dtype of the inputs.

    Example:
        >>> round(float(gelu_with_lean_gradient(ops.array([1.0]))[0]), 4)
        0.8413

    References:
        Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2.
    """
    wide, distribution = _distribution(inputs)
    outputs = ops.cast(wide * distribution, inputs.dtype)

    def gradient(*arguments: Any, upstream: Any = None) -> Any:
        if upstream is None:
            (upstream,) = arguments
        # Computed again: what the forward pass had would have to lie in memory until here.
        wide, distribution = _distribution(inputs)
        density = ops.exp(ops.square(wide) * -0.5) * (1 / math.sqrt(2 * math.pi))
        return ops.cast(wide_of(upstream) * (distribution + wide * density), inputs.dtype)

    return outputs, gradient


def _distribution(inputs: Any) -> tuple[Any, Any]:
    """Returns x and Φ(x), in float32 at least."""
    wide = wide_of(inputs)
    return wide, 0.5 + 0.5 * ops.erf(wide * math.sqrt(0.5))
