"""A dense layer that learns a low-rank change of a kernel which itself stays as it is."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_bert.errors import InputError
from keras_bert.layers.dropout import Dropout
from keras_bert.layers.linear import Linear

QUERY_KEY_VALUE = ("attention.self.query", "attention.self.key", "attention.self.value")
MODULES = (*QUERY_KEY_VALUE, "attention.output.dense", "intermediate.dense", "output.dense")
"""The dense layers of a block, by Hugging Face's names."""


@keras.saving.register_keras_serializable(package="keras_bert")
class AdaptedLinear(Linear):
    """`activation(inputs · (kernel + alpha / rank · A · B) + bias)`, of which A and B alone are trained.

    A starts from a uniform distribution on ±1/√size, as PyTorch's dense layers and peft do, B from zero, so that the
    layer begins as the plain one. Where the kernel is several side by side, as those of query, key and value are, each
    part has an A and a B of its own, or none.

    Args:
        units: As `Linear`.
        rank: Columns of an A, rows of a B.
        alpha: The product of A and B counts `alpha / rank` times.
        dropout: Dropout rate on the inputs of A; one mask for all parts.
        parts: How many kernels of equal width stand side by side.
        adapted: Numbers, from 0, of those that have an adapter.
        **kwargs: Those of `Linear`.

    Call arguments:
        inputs: float (rows, size).

    Returns:
        float (rows, units).

    Example:
        >>> layer = AdaptedLinear(6, rank=1, alpha=2.0, parts=3, adapted=(0, 2))
        >>> tuple(layer(keras.ops.ones((2, 4))).shape), [tuple(weight.shape) for weight in layer.trainable_weights]
        ((2, 6), [(4, 2), (2, 1, 2)])

    References:
        Hu et al. 2021, arXiv:2106.09685, section 4.1; peft, tuners/lora/layer.py, `reset_lora_parameters`.
    """

    def __init__(
        self,
        units: int,
        rank: int,
        alpha: float,
        dropout: float = 0.0,
        parts: int = 1,
        adapted: Sequence[int] = (0,),
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **kwargs)
        if rank < 1 or alpha <= 0:
            raise ValueError(f"rank and alpha must be positive, received: {rank} and {alpha}")
        if units % parts or not adapted or not set(adapted) <= set(range(parts)):
            raise ValueError(f"adapted={adapted} must be some of {parts} parts, which divide units={units}")
        self.rank = rank
        self.alpha = alpha
        self.dropout = dropout
        self.parts = parts
        self.adapted = list(adapted)

    def build(self, inputs_shape: tuple[int | None, ...]) -> None:
        super().build(inputs_shape)
        self.kernel.trainable = self.bias.trainable = False
        uniform = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")  # ±√(3 · scale / fan_in)
        count = len(self.adapted)
        self.lora_a = self.add_weight(name="lora_a", shape=(inputs_shape[-1], count * self.rank), initializer=uniform)
        shape = (count, self.rank, self.units // self.parts)
        self.lora_b = self.add_weight(name="lora_b", shape=shape, initializer="zeros")
        self.input_dropout = Dropout(self.dropout, dtype=self.dtype_policy)

    @property
    def scale(self) -> float:
        """What the product of A and B is multiplied by."""
        return self.alpha / self.rank

    def product(self, inputs: Any, training: bool = False) -> Any:
        """Computes inputs · (kernel + alpha / rank · A · B) + bias, float (..., units)."""
        # The adapters' product is apart from the kernel's own, which stays one operation with its bias.
        inward = ops.matmul(self.input_dropout(inputs, training=training), self.lora_a)
        return super().product(inputs) + ops.matmul(inward, self._outward())

    def computed_by(self, function: Any) -> Any:
        """Refuses a function that would compute with the kernel alone.

        Raises:
            InputError: Always.
        """
        raise InputError("a model with adapters has no 8-bit form; take the plain one: merge_adapters(model)")

    def _outward(self) -> Any:
        """Returns scale · B for all columns of the kernel, zero where a part has none: (count · rank, units)."""
        places = np.zeros((len(self.adapted), 1, self.parts, 1), "float32")
        places[range(len(self.adapted)), 0, self.adapted] = self.scale
        matrices = ops.convert_to_tensor(self.lora_b)
        placed = ops.expand_dims(matrices, 2) * ops.cast(places, matrices.dtype)
        return ops.reshape(placed, (len(self.adapted) * self.rank, self.units))

    def merged_kernel(self) -> Any:
        """Returns the kernel of a plain layer that computes the same, float (size, units)."""
        return ops.convert_to_tensor(self.kernel) + ops.matmul(self.lora_a, self._outward())

    def clear(self, part: int) -> None:
        """Makes the adapter of a part, if it has one, add nothing."""
        if part in self.adapted:
            self.set_matrices(part, None, None)

    def matrices(self, part: int) -> tuple[Any, Any]:
        """Returns the A, float (size, rank), and the B, float (rank, width), of a part that has an adapter."""
        index = self.adapted.index(part)
        a = ops.convert_to_numpy(self.lora_a)[:, index * self.rank : (index + 1) * self.rank]
        return a, ops.convert_to_numpy(self.lora_b)[index]

    def set_matrices(self, part: int, a: Any, b: Any) -> None:
        """Sets the matrices of a part; None leaves A as it is, and makes B zero.

        Args:
            part: Number of the part.
            a: float (size, own rank), of a rank of at most this layer's.
            b: float (own rank, width).
        """
        index = self.adapted.index(part)
        all_a, all_b = (np.array(ops.convert_to_numpy(variable)) for variable in (self.lora_a, self.lora_b))
        all_b[index] = 0
        if a is not None:
            own = all_a[:, index * self.rank : (index + 1) * self.rank]
            own[:, : a.shape[1]], own[:, a.shape[1] :] = a, 0
            all_b[index, : b.shape[0]] = b
        self.lora_a.assign(all_a)
        self.lora_b.assign(all_b)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rank": self.rank,
            "alpha": self.alpha,
            "dropout": self.dropout,
            "parts": self.parts,
            "adapted": self.adapted,
        }


def make_linear(units: int, modules: Sequence[str], adapters: Mapping[str, Any] | None, **options: Any) -> Linear:
    """Makes a dense layer, with adapters where they are asked for.

    Args:
        units: As `Linear`.
        modules: What it holds, side by side, in Hugging Face's names, such as `("attention.output.dense",)`.
        adapters: `rank`, `alpha`, `dropout` and `targets`, the names of those that get one; None for no adapters.
        **options: Further arguments of `Linear`.
    """
    found = [index for index, module in enumerate(modules) if adapters and module in adapters["targets"]]
    if not adapters or not found:
        return Linear(units, **options)
    settings = {name: adapters[name] for name in ("rank", "alpha", "dropout")}
    return AdaptedLinear(units, **settings, parts=len(modules), adapted=found, **options)
