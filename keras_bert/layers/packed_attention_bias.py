"""The mask of attention for rows that hold several examples."""

from typing import Any

import keras
from keras import ops

from keras_bert.layers.attention_bias import DEPTH
from keras_bert.layers.checked_layer import CheckedLayer


@keras.saving.register_keras_serializable(package="keras_bert")
class PackedAttentionBias(CheckedLayer):
    """Turns the numbers of examples into what is added to attention scores: 0 inside an example, far below 0 else.

    So no token hears of another example in its row. Padding attends to padding, and is never NaN.

    Call arguments:
        padding_mask: int32 (batch, tokens), 0 = padding, 1, 2, 3 ... = the number of the token's example in its row.

    Returns:
        float (batch, 1, tokens, tokens), in the layer's compute dtype.

    Example:
        >>> bias = PackedAttentionBias()(keras.ops.array([[1, 2, 2]]))
        >>> keras.ops.convert_to_numpy(bias).astype(int).tolist()
        [[[[0, -30000, -30000], [-30000, 0, 0], [-30000, 0, 0]]]]

    References:
        Krell et al. 2021, arXiv:2107.02027, section 3.2.2: block-diagonal attention masks.
    """

    def call(self, padding_mask: Any) -> Any:
        differ = ops.cast(ops.expand_dims(padding_mask, 2) != ops.expand_dims(padding_mask, 1), self.compute_dtype)
        return ops.expand_dims(differ * -DEPTH, 1)

    def compute_output_shape(self, padding_mask_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, tokens = padding_mask_shape
        return (batch, 1, tokens, tokens)

    def get_config(self) -> dict[str, Any]:
        # Left to itself, Keras finds no config for a layer that was given a dtype policy object.
        return super().get_config()
