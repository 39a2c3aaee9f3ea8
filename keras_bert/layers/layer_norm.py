"""Layer normalization that a CPU runs as one kernel in inference, with a lean gradient in training."""

import functools
import math
from typing import Any

import keras
from keras import ops

from keras_bert.layers.checked_layer import CheckedLayer
from keras_bert.layers.example_norms import sum_squares, tapped
from keras_bert.layers.wide import wide

# The epsilon of TensorFlow's fused kernel: a graph's own is lost when grappler puts the kernel in its place
# (tensorflow/core/grappler/optimizers/remapper.cc, AddMklLayerNorm sets no `epsilon`).
_FUSED_EPSILON = 1e-3


@keras.saving.register_keras_serializable(package="keras_bert")
class LayerNorm(CheckedLayer):
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta` over the last axis, in float32 at least.

    Mean and variance are those of the vector itself, the variance without Bessel's correction. Weights and arithmetic
    are float32 under the dtype policies `mixed_bfloat16` and `mixed_float16`, too; only the result is rounded.

    Args:
        epsilon: Added to the variance; positive.
        **kwargs: Those of `keras.layers.Layer`.

    Call arguments:
        inputs: float (..., size).

    Returns:
        float (..., size), in the layer's compute dtype.

    Raises:
        ValueError: `epsilon` is not positive.

    Example:
        >>> [round(float(x), 3) for x in LayerNorm()(keras.ops.array([[1.0, 3.0]]))[0]]
        [-1.0, 1.0]

    References:
        Ba et al. 2016, arXiv:1607.06450, section 3.1.
    """

    def __init__(self, epsilon: float = 1e-12, **kwargs: Any) -> None:
        # No autocast: a sum of embeddings, in float32, is to be normalized as it is.
        super().__init__(autocast=False, **kwargs)
        if epsilon <= 0:
            raise ValueError(f"epsilon must be positive, received: {epsilon}")
        self.epsilon = epsilon
        self.gamma: Any = None
        self.beta: Any = None

    def build(self, inputs_shape: tuple[int | None, ...]) -> None:
        size = inputs_shape[-1]
        self.gamma = self.add_weight(name="gamma", shape=(size,), initializer="ones", autocast=False)
        self.beta = self.add_weight(name="beta", shape=(size,), initializer="zeros", autocast=False)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training:
            # Tensors: TensorFlow takes no variables into a function that has its own gradient.
            gamma, beta = (ops.reshape(weight, (-1,)) for weight in (self.gamma, self.beta))
            outputs = _norm_with_lean_gradient(self.epsilon)(inputs, gamma, beta)
        else:
            outputs = _fusible_norm(wide(inputs), self.gamma, self.beta, self.epsilon)
        outputs = ops.cast(outputs, self.compute_dtype)
        return tapped(outputs, (self.gamma, self.beta), functools.partial(self._squares, inputs))

    def _squares(self, inputs: Any, upstream: Any, examples: Any, gamma: bool, beta: bool) -> Any:
        """Gives the squared norms of each example's gradients, see `example_norms`."""
        centered = wide(inputs) - ops.mean(wide(inputs), axis=-1, keepdims=True)
        normal = centered * ops.rsqrt(ops.mean(ops.square(centered), axis=-1, keepdims=True) + self.epsilon)
        parts = [values for values, counts in ((upstream * normal, gamma), (upstream, beta)) if counts]
        return sum_squares(ops.concatenate(parts, axis=-1), examples)

    def compute_output_shape(self, inputs_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return inputs_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "epsilon": self.epsilon}


def _fusible_norm(inputs: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
    """Normalizes by the very operations that grappler replaces by oneDNN's layer normalization.

    It does so where `gamma` and `beta` are constants, as in an export with `freeze`; at 4,096 x 384 the kernel takes a
    sixth of the time. Elsewhere the operations stay as they are. Its epsilon is always 1e-3, so all is scaled by
    a = sqrt(1e-3 / epsilon): a x has the mean a μ and the variance a² σ², and

        (a x - a μ) / sqrt(a² σ² + 1e-3) = (x - μ) / sqrt(σ² + epsilon).
    """
    inputs = inputs * math.sqrt(_FUSED_EPSILON / epsilon)
    axis = len(inputs.shape) - 1
    mean = ops.mean(inputs, axis=[axis], keepdims=True)
    variance = ops.mean(ops.square(inputs - mean), axis=[axis], keepdims=True)
    scale = ops.rsqrt(variance + _FUSED_EPSILON) * gamma
    return inputs * scale + (beta - mean * scale)


def _norm_with_lean_gradient(epsilon: float) -> Any:
    """Makes a function of inputs, gamma and beta, whose backward pass reads and writes no more than it must.

    With y = (x - μ) / σ and the upstream gradient d, g = d · gamma:

        dx = (g - mean(g) - y · mean(g · y)) / σ, dgamma = Σ d · y, dbeta = Σ d.
    """

    @ops.custom_gradient
    def norm(inputs: Any, gamma: Any, beta: Any) -> Any:
        widened = wide(inputs)
        mean = ops.mean(widened, axis=-1, keepdims=True)
        centered = widened - mean
        inverse = ops.rsqrt(ops.mean(ops.square(centered), axis=-1, keepdims=True) + epsilon)
        outputs = ops.cast(centered * (inverse * gamma) + beta, inputs.dtype)

        def gradient(*arguments: Any, upstream: Any = None) -> Any:
            if upstream is None:
                (upstream,) = arguments
            upstream = wide(upstream)
            # Computed again: what the forward pass had would have to lie in memory until here.
            normal = (wide(inputs) - mean) * inverse
            rows = list(range(len(inputs.shape) - 1))
            scaled = upstream * gamma
            shift = ops.mean(scaled, axis=-1, keepdims=True)
            slope = ops.mean(scaled * normal, axis=-1, keepdims=True)
            by_inputs = ops.cast((scaled - shift - normal * slope) * inverse, inputs.dtype)
            return by_inputs, ops.sum(upstream * normal, axis=rows), ops.sum(upstream, axis=rows)

        return outputs, gradient

    return norm
