"""The mask of attention, prepared once for all blocks."""

from typing import Any

import keras
from keras import ops

from keras_bert.layers.checked_layer import CheckedLayer

# So far down that exp() is 0 after softmax's shift, yet float16 can hold it with a score added.
DEPTH = 3e4


@keras.saving.register_keras_serializable(package="keras_bert")
class AttentionBias(CheckedLayer):
    """Turns a padding mask into what is added to attention scores: 0 for tokens, far below 0 for padding.

    A row without any token gets the same bias everywhere: its attention spreads over the padding and is never
    NaN.

    Call arguments:
        padding_mask: int32 (batch, tokens), 1 = token, 0 = padding.

    Returns:
        float (batch, 1, 1, tokens), in the layer's compute dtype.

    Example:
        >>> bias = AttentionBias()(keras.ops.array([[1, 0]]))
        >>> keras.ops.convert_to_numpy(bias).tolist()
        [[[[0.0, -30000.0]]]]
    """

    def call(self, padding_mask: Any) -> Any:
        bias = (ops.cast(padding_mask, "float32") - 1.0) * DEPTH
        # Not bias[:, None, None]: LiteRT has no slice that makes axes.
        return ops.cast(ops.expand_dims(ops.expand_dims(bias, 1), 1), self.compute_dtype)

    def compute_output_shape(self, padding_mask_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, tokens = padding_mask_shape
        return (batch, 1, 1, tokens)

    def get_config(self) -> dict[str, Any]:
        # Left to itself, Keras finds no config for a layer that was given a dtype policy object.
        return super().get_config()
