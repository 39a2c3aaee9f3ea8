"""The mask of attention for rows that are written from left to right, or whose second text is."""

from typing import Any

import keras
from keras import ops

from keras_bert.layers.attention_bias import DEPTH
from keras_bert.layers.checked_layer import CheckedLayer

PREFIX, CAUSAL = "prefix", "causal"
MASKS = (PREFIX, CAUSAL)


@keras.saving.register_keras_serializable(package="keras_bert")
class OrderedAttentionBias(CheckedLayer):
    """Turns masks and segments into what is added to attention scores: 0 where a token may look, far below 0 else.

    Every token has a rank, and sees the tokens of its row whose rank is at most its own. Under `"prefix"` the tokens of
    the first text (segment 0) have rank 0, those of the second 1, 2, 3 ...: the first text sees itself whole, the
    second the first and what stands to the left. Under `"causal"` all tokens are counted. Padding sees padding, and is
    never NaN.

    Args:
        mask: `"prefix"` or `"causal"`.
        **kwargs: Those of `keras.layers.Layer`.

    Call arguments:
        padding_mask: int32 (batch, tokens), 0 = padding, 1 = token; in rows that hold several examples 1, 2, 3 ...,
            which see nothing of each other.
        segment_ids: int32 (batch, tokens), 1 = second text.

    Returns:
        float (batch, 1, tokens, tokens), in the layer's compute dtype.

    Raises:
        ValueError: Another `mask`.

    Example:
        >>> bias = OrderedAttentionBias("prefix")(keras.ops.array([[1, 1, 1]]), keras.ops.array([[0, 0, 1]]))
        >>> keras.ops.convert_to_numpy(bias).astype(int).tolist()
        [[[[0, 0, -30000], [0, 0, -30000], [0, 0, 0]]]]

    References:
        Dong et al. 2019, arXiv:1905.03197, section 2.2 (UniLM): self-attention masks for sequence-to-sequence and
        left-to-right language models.
    """

    def __init__(self, mask: str = PREFIX, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if mask not in MASKS:
            raise ValueError(f"mask must be one of {', '.join(MASKS)}, received: {mask!r}")
        self.mask = mask

    def call(self, padding_mask: Any, segment_ids: Any) -> Any:
        counted = ops.ones_like(segment_ids) if self.mask == CAUSAL else segment_ids
        rank = ops.cumsum(counted, axis=1)
        sees = ops.logical_and(
            padding_mask[:, :, None] == padding_mask[:, None, :], rank[:, None, :] <= rank[:, :, None]
        )
        return ((ops.cast(sees, self.compute_dtype) - 1.0) * DEPTH)[:, None]

    def compute_output_shape(self, padding_mask_shape: tuple[int | None, ...], segment_ids_shape: Any) -> Any:
        batch, tokens = padding_mask_shape
        return (batch, 1, tokens, tokens)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask": self.mask}
