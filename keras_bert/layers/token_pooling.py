"""From hidden states to one vector a text, without weights."""

from typing import Any

import keras
from keras import ops

from keras_bert.layers.checked_layer import CheckedLayer
from keras_bert.layers.wide import wide

MODES = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")


@keras.saving.register_keras_serializable(package="keras_bert")
class TokenPooling(CheckedLayer):
    """Makes one vector of the hidden states of a row's tokens.

    | mode | h of n tokens |
    |---|---|
    | `"cls"` | h of the first token |
    | `"max"` | the largest of each number |
    | `"mean"` | Σ h / n |
    | `"mean_sqrt_len_tokens"` | Σ h / √n |
    | `"weightedmean"` | Σ i h / Σ i, with i = 1, 2, ... the place in the row |
    | `"lasttoken"` | h of the last token |

    Sums are in float32 at least, under every dtype policy. A row without tokens gives zeros (but for `"cls"`).

    Args:
        mode: One of the above.
        **kwargs: Those of `keras.layers.Layer`.

    Call arguments:
        sequence_output: float (batch, tokens, size).
        padding_mask: int32 (batch, tokens), 1 = token, 0 = padding.
        pooling_mask: int32 (batch, tokens), 1 = token that counts; None for all tokens. Places are counted from the
            row's first token all the same.

    Returns:
        float (batch, size).

    Example:
        >>> hidden = keras.ops.array([[[1.0], [3.0], [9.0]]])
        >>> float(TokenPooling("mean")(hidden, keras.ops.array([[1, 1, 0]]))[0, 0])
        2.0

    References:
        Reimers and Gurevych 2019, arXiv:1908.10084, section 3; Muennighoff 2022, arXiv:2202.08904, for the weighted
        mean; sentence-transformers, modules/pooling.py.
    """

    def __init__(self, mode: str = "mean", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, received: {mode!r}")
        self.mode = mode

    def call(self, sequence_output: Any, padding_mask: Any, pooling_mask: Any = None) -> Any:
        if self.mode == "cls" and pooling_mask is None:
            return sequence_output[:, 0]
        counted = ops.cast(padding_mask if pooling_mask is None else pooling_mask, "int32")
        hidden = wide(ops.convert_to_tensor(sequence_output))
        return ops.cast(self._pool(hidden, counted), self.compute_dtype)

    def _pool(self, hidden: Any, counted: Any) -> Any:
        """Pools the tokens that count: float (batch, tokens, size), int32 (batch, tokens)."""
        mask = ops.expand_dims(ops.cast(counted, hidden.dtype), -1)
        places = ops.expand_dims(ops.arange(1, ops.shape(counted)[1] + 1, dtype="int32"), 0)
        if self.mode == "cls":
            return _taken(hidden, ops.argmax(counted, axis=1))
        if self.mode == "lasttoken":
            return _taken(hidden * mask, ops.argmax(counted * places, axis=1))
        if self.mode == "max":
            pooled = ops.max(ops.where(mask > 0, hidden, float("-inf")), axis=1)
            return ops.where(ops.any(mask > 0, axis=1), pooled, 0.0)
        if self.mode == "weightedmean":
            mask = mask * ops.expand_dims(ops.cast(places, hidden.dtype), -1)
        total = ops.maximum(ops.sum(mask, axis=1), 1.0)
        return ops.sum(hidden * mask, axis=1) / (ops.sqrt(total) if self.mode == "mean_sqrt_len_tokens" else total)

    def compute_output_shape(
        self, sequence_output_shape: Any, padding_mask_shape: Any, pooling_mask_shape: Any = None
    ) -> Any:
        batch, _, size = sequence_output_shape
        return (batch, size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mode": self.mode}


def _taken(hidden: Any, places: Any) -> Any:
    """Takes one token of each row: float (batch, size) of float (batch, tokens, size) and int (batch,)."""
    return ops.take_along_axis(hidden, ops.reshape(ops.cast(places, "int32"), (-1, 1, 1)), axis=1)[:, 0]
