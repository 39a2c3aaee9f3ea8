"""From the hidden states of a text to one vector."""

from typing import Any

import keras

from keras_bert.layers.checked_layer import CheckedLayer
from keras_bert.layers.linear import Linear


@keras.saving.register_keras_serializable(package="keras_bert")
class Pooler(CheckedLayer):
    """BERT's own pooler: the first token's hidden state through a dense layer with tanh.

    Args:
        initializer_range: Standard deviation of the kernel's initializer.
        **kwargs: Those of `keras.layers.Layer`.

    Call arguments:
        sequence_output: float (batch, tokens, size).

    Returns:
        float (batch, size).

    Example:
        >>> import numpy as np
        >>> Pooler(16)(np.zeros((2, 5, 16), "float32")).shape  # hidden states of 2 rows of 5 tokens
        TensorShape([2, 16])

    References:
        google-research/bert, modeling.py, `BertModel`, scope "pooler".
    """

    def __init__(self, initializer_range: float = 0.02, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.initializer_range = initializer_range

    def build(self, sequence_output_shape: tuple[int | None, ...]) -> None:
        batch, size = sequence_output_shape[0], int(sequence_output_shape[-1] or 0)
        self.dense = Linear(size, "tanh", self.initializer_range, dtype=self.dtype_policy, name="dense")
        self.dense.build((batch, size))

    def call(self, sequence_output: Any) -> Any:
        return self.dense(sequence_output[:, 0])

    def compute_output_shape(self, sequence_output_shape: Any) -> Any:
        batch, _, size = sequence_output_shape
        return (batch, size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "initializer_range": self.initializer_range}
