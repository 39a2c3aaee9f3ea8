"""Between (batch, tokens, size) and (batch · tokens, size)."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_bert")
class FlattenTokens(keras.layers.Layer):
    """Puts the tokens of all rows one after the other.

    The blocks of the encoder work on two-dimensional hidden states, since there a product fuses with its
    bias and activation.

    Call arguments:
        hidden: float (batch, tokens, size).

    Returns:
        float (batch · tokens, size).
    """

    def call(self, hidden: Any) -> Any:
        return ops.reshape(hidden, (-1, hidden.shape[-1]))

    def compute_output_shape(self, hidden_shape: Any) -> Any:
        batch, tokens, size = hidden_shape
        return (None if batch is None or tokens is None else batch * tokens, size)

    def get_config(self) -> dict[str, Any]:
        # Left to itself, Keras finds no config for a layer that was given a dtype policy object.
        return super().get_config()


@keras.saving.register_keras_serializable(package="keras_bert")
class UnflattenTokens(keras.layers.Layer):
    """The inverse of `FlattenTokens`.

    Call arguments:
        hidden: float (batch · tokens, size).
        token_ids: int32 (batch, tokens), for the two sizes.

    Returns:
        float (batch, tokens, size).
    """

    def call(self, hidden: Any, token_ids: Any) -> Any:
        batch, tokens = ops.shape(token_ids)
        return ops.reshape(hidden, (batch, tokens, hidden.shape[-1]))

    def compute_output_shape(self, hidden_shape: Any, token_ids_shape: Any) -> Any:
        return (*token_ids_shape, hidden_shape[-1])

    def get_config(self) -> dict[str, Any]:
        # Left to itself, Keras finds no config for a layer that was given a dtype policy object.
        return super().get_config()
