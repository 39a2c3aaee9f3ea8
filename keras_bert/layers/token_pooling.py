"""From hidden states to one vector a text, without weights."""

from typing import Any

import keras
from keras import ops

from keras_bert.layers.wide import wide

MODES = ("cls", "mean", "max")


@keras.saving.register_keras_serializable(package="keras_bert")
class TokenPooling(keras.layers.Layer):
    """Takes the first token's hidden state, or the mean or maximum over the real tokens.

    The mean and its division are in float32 at least, under every dtype policy. A row without tokens gives zeros.

    Args:
        mode: `"cls"`, `"mean"`, or `"max"`.
        **kwargs: Those of `keras.layers.Layer`.

    Call arguments:
        sequence_output: float (batch, tokens, size).
        padding_mask: int32 (batch, tokens), 1 = token, 0 = padding.

    Returns:
        float (batch, size).

    Example:
        >>> hidden = keras.ops.array([[[1.0], [3.0], [9.0]]])
        >>> float(TokenPooling("mean")(hidden, keras.ops.array([[1, 1, 0]]))[0, 0])
        2.0

    References:
        Reimers and Gurevych 2019, arXiv:1908.10084, section 3.
    """

    def __init__(self, mode: str = "mean", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, received: {mode!r}")
        self.mode = mode

    def call(self, sequence_output: Any, padding_mask: Any) -> Any:
        if self.mode == "cls":
            return sequence_output[:, 0]
        hidden = wide(sequence_output)
        mask = ops.cast(padding_mask, hidden.dtype)[:, :, None]
        if self.mode == "mean":
            pooled = ops.sum(hidden * mask, axis=1) / ops.maximum(ops.sum(mask, axis=1), 1.0)
        else:
            lowest = float("-inf")
            pooled = ops.max(ops.where(mask > 0, hidden, lowest), axis=1)
            pooled = ops.where(ops.any(mask > 0, axis=1), pooled, 0.0)
        return ops.cast(pooled, self.compute_dtype)

    def compute_output_shape(self, sequence_output_shape: Any, padding_mask_shape: Any) -> Any:
        batch, _, size = sequence_output_shape
        return (batch, size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mode": self.mode}
