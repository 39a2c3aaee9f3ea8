"""The mask of attention for rows that are written from left to right, or whose second text is."""

from typing import Any

import keras
from keras import ops

from keras_bert.layers.attention_bias import DEPTH
from keras_bert.layers.checked_layer import CheckedLayer

PREFIX, CAUSAL, UNILM = "prefix", "causal", "unilm"
MASKS = (PREFIX, CAUSAL)
"""The masks of a model that writes."""

UNILM_SEGMENTS = 6
"""Kinds of segments under the mask `"unilm"`: 0 and 1 see both sides, 2 is left to right, 3 right to left, 4 and 5 are
source and target."""

# By how much a token's rank is above that of the token before it, by its segment.
_UNILM_STEPS = (0, 0, 1, -1, 0, 1)


@keras.saving.register_keras_serializable(package="keras_bert")
class OrderedAttentionBias(CheckedLayer):
    """Turns masks and segments into what is added to attention scores: 0 where a token may look, far below 0 else.

    Every token has a rank, and sees the tokens of its row whose rank is at most its own. Under `"prefix"` the tokens of
    the first text (segment 0) have rank 0, those of the second 1, 2, 3 ...: the first text sees itself whole, the
    second the first and what stands to the left. Under `"causal"` all tokens are counted. Under `"unilm"` each row, and
    each example of a row, has the mask of its segments: rank 0 for the first two, which see both sides; counted up for
    segment 2, from left to right; counted down for 3, from right to left; as under `"prefix"` for 4 and 5. Padding sees
    padding, and is never NaN.

    Args:
        mask: `"prefix"`, `"causal"` or `"unilm"`.
        **kwargs: Those of `keras.layers.Layer`.

    Call arguments:
        padding_mask: int32 (batch, tokens), 0 = padding, 1 = token; in rows that hold several examples 1, 2, 3 ...,
            which see nothing of each other.
        segment_ids: int32 (batch, tokens), 1 = second text; under `"unilm"` 0 to 5.

    Returns:
        float (batch, 1, tokens, tokens), in the layer's compute dtype.

    Raises:
        ValueError: Another `mask`.

    Example:
        >>> bias = OrderedAttentionBias("prefix")(keras.ops.array([[1, 1, 1]]), keras.ops.array([[0, 0, 1]]))
        >>> keras.ops.convert_to_numpy(bias).astype(int).tolist()
        [[[[0, 0, -30000], [0, 0, -30000], [0, 0, 0]]]]

    References:
        Dong et al. 2019, arXiv:1905.03197, sections 2.2 and 2.3 (UniLM): self-attention masks for bidirectional,
        left-to-right, right-to-left and sequence-to-sequence language models; the segments are those of its program
        (github.com/microsoft/unilm, unilm-v1, `new_segment_ids`).
    """

    def __init__(self, mask: str = PREFIX, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if mask not in (*MASKS, UNILM):
            raise ValueError(f"mask must be one of {', '.join((*MASKS, UNILM))}, received: {mask!r}")
        self.mask = mask

    def call(self, padding_mask: Any, segment_ids: Any) -> Any:
        if self.mask == CAUSAL:
            steps = ops.ones_like(segment_ids)
        elif self.mask == UNILM:
            steps = ops.take(ops.convert_to_tensor(_UNILM_STEPS, "int32"), segment_ids, axis=0)
        else:
            steps = segment_ids
        rank = ops.cumsum(steps, axis=1)
        sees = ops.logical_and(
            padding_mask[:, :, None] == padding_mask[:, None, :], rank[:, None, :] <= rank[:, :, None]
        )
        return ((ops.cast(sees, self.compute_dtype) - 1.0) * DEPTH)[:, None]

    def compute_output_shape(self, padding_mask_shape: tuple[int | None, ...], segment_ids_shape: Any) -> Any:
        batch, tokens = padding_mask_shape
        return (batch, 1, tokens, tokens)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask": self.mask}
