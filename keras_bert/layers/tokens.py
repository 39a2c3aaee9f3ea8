"""Between (batch, tokens, size) and the hidden states of all tokens one after the other."""

from typing import Any

import keras
from keras import ops

from keras_bert.layers.checked_layer import CheckedLayer
from keras_bert.layers.unpadding import remove_padding, restore_padding


@keras.saving.register_keras_serializable(package="keras_bert")
class FlattenTokens(CheckedLayer):
    """Puts the tokens of all rows one after the other.

    The blocks of the encoder work on two-dimensional hidden states, since there a product fuses with its
    bias and activation.

    Args:
        unpad: Leave the padding out, so that what works on single tokens, which is nearly all, does not work on it.
            The number of tokens then follows from the values of the mask, which XLA cannot have.
        **kwargs: Those of `keras.layers.Layer`.

    Call arguments:
        hidden: float (batch, tokens, size).
        padding_mask: int32 (batch, tokens), 0 = padding; needed with `unpad`.

    Returns:
        float (batch · tokens, size); with `unpad` fewer rows, see `remove_padding`.

    Example:
        >>> hidden = keras.ops.ones((2, 3, 4))
        >>> tuple(FlattenTokens()(hidden, keras.ops.array([[1, 1, 1], [1, 0, 0]])).shape)
        (6, 4)
        >>> tuple(FlattenTokens(unpad=True)(hidden, keras.ops.array([[1, 1, 1], [1, 0, 0]])).shape)
        (4, 4)
    """

    def __init__(self, unpad: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.unpad = unpad

    def call(self, hidden: Any, padding_mask: Any = None) -> Any:
        hidden = ops.reshape(hidden, (-1, hidden.shape[-1]))
        return remove_padding(hidden, padding_mask) if self.unpad else hidden

    def compute_output_shape(self, hidden_shape: Any, padding_mask_shape: Any = None) -> Any:
        batch, tokens, size = hidden_shape
        return (None if batch is None or tokens is None or self.unpad else batch * tokens, size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "unpad": self.unpad}


@keras.saving.register_keras_serializable(package="keras_bert")
class UnflattenTokens(CheckedLayer):
    """The inverse of `FlattenTokens`.

    Args:
        unpad: Put the padding in again, as zeros.
        **kwargs: Those of `keras.layers.Layer`.

    Call arguments:
        hidden: float (batch · tokens, size), or fewer rows with `unpad`.
        padding_mask: int32 (batch, tokens), 0 = padding; without `unpad` for the two sizes alone.

    Returns:
        float (batch, tokens, size).

    Example:
        >>> tuple(UnflattenTokens()(keras.ops.ones((6, 4)), keras.ops.array([[1, 1, 1], [1, 0, 0]])).shape)
        (2, 3, 4)
    """

    def __init__(self, unpad: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.unpad = unpad

    def call(self, hidden: Any, padding_mask: Any) -> Any:
        batch, tokens = ops.shape(padding_mask)
        if self.unpad:
            hidden = restore_padding(hidden, padding_mask)
        hidden = ops.reshape(hidden, (batch, tokens, hidden.shape[-1]))
        return ops.where(padding_mask[:, :, None] > 0, hidden, ops.cast(0, hidden.dtype)) if self.unpad else hidden

    def compute_output_shape(self, hidden_shape: Any, padding_mask_shape: Any) -> Any:
        return (*padding_mask_shape, hidden_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "unpad": self.unpad}
