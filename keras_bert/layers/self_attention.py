"""Multi-head self-attention over two-dimensional hidden states."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_bert.layers.adapted_linear import QUERY_KEY_VALUE, make_linear
from keras_bert.layers.checked_layer import CheckedLayer
from keras_bert.layers.dropout import Dropout
from keras_bert.layers.unpadding import remove_padding, restore_padding
from keras_bert.layers.wide import wide


@keras.saving.register_keras_serializable(package="keras_bert")
class SelfAttention(CheckedLayer):
    """Multi-head scaled dot-product self-attention with its output projection.

    Query, key and value come from one product with a fused kernel, side by side as `[query | key | value]`,
    each with the heads one after the other.

    Args:
        num_heads: Attention heads; must divide the size of the hidden states, unless `head_size` is given.
        dropout: Dropout rate on the attention probabilities.
        output_attentions: Return the probabilities as well.
        initializer_range: Standard deviation of the kernels' initializer.
        adapters: Low-rank adapters, see `make_linear`; the modules are `attention.self.query`, `.key`, `.value` and
            `attention.output.dense`. None for none.
        head_size: Width of a head; None for the size of the hidden states, divided by `num_heads`.
        **kwargs: Those of `keras.layers.Layer`.

    Call arguments:
        hidden: float (batch · tokens, size), the hidden states of all rows one after the other.
        attention_bias: float (batch, 1, 1, tokens), or (batch, 1, tokens, tokens), added to the scores; see
            `AttentionBias` and `PackedAttentionBias`.
        padding_mask: int32 (batch, tokens), 0 = padding, where the hidden states are without padding, as
            `FlattenTokens` with `unpad` leaves them; None where all are there.
        first_token: Give the outputs of each row's first token alone.

    Returns:
        float, the shape of `hidden`; with `output_attentions` a pair of that and the probabilities before
        dropout, float (batch, heads, tokens, tokens). With `first_token` the shapes are (batch, size) and
        (batch, heads, 1, tokens).

    Example:
        >>> import numpy as np
        >>> hidden, bias = np.zeros((2 * 5, 16), "float32"), np.zeros((2, 1, 1, 5), "float32")  # 2 rows of 5 tokens
        >>> outputs, probabilities = SelfAttention(num_heads=4, output_attentions=True)(hidden, bias)
        >>> outputs.shape, probabilities.shape
        (TensorShape([10, 16]), TensorShape([2, 4, 5, 5]))

    References:
        Vaswani et al. 2017, arXiv:1706.03762, section 3.2.
    """

    def __init__(
        self,
        num_heads: int,
        dropout: float = 0.0,
        output_attentions: bool = False,
        initializer_range: float = 0.02,
        adapters: Mapping[str, Any] | None = None,
        head_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if num_heads < 1:
            raise ValueError(f"num_heads must be positive, received: {num_heads}")
        if head_size is not None and head_size < 1:
            raise ValueError(f"head_size must be positive, received: {head_size}")
        self.num_heads = num_heads
        self.dropout = dropout
        self.output_attentions = output_attentions
        self.initializer_range = initializer_range
        self.adapters = adapters
        self.head_size = head_size

    def build(self, hidden_shape: tuple[int | None, ...], attention_bias_shape: tuple[int | None, ...]) -> None:
        size = hidden_shape[-1]
        if size is None or (self.head_size is None and size % self.num_heads):
            raise ValueError(f"num_heads={self.num_heads} must divide the size of the hidden states, received: {size}")
        self.size_per_head = self.head_size or size // self.num_heads
        width = self.num_heads * self.size_per_head
        options: dict[str, Any] = {"initializer_range": self.initializer_range, "dtype": self.dtype_policy}
        self.qkv = make_linear(3 * width, QUERY_KEY_VALUE, self.adapters, name="qkv", **options)
        self.qkv.build(hidden_shape)
        self.output_dense = make_linear(size, ["attention.output.dense"], self.adapters, name="output_dense", **options)
        self.output_dense.build((*hidden_shape[:-1], width))
        self.probability_dropout = Dropout(self.dropout, dtype=self.dtype_policy)

    def call(
        self,
        hidden: Any,
        attention_bias: Any,
        padding_mask: Any = None,
        training: bool = False,
        first_token: bool = False,
    ) -> Any:
        # B batch, T tokens, H heads, S size of a head
        query, key, value = self._query_key_value(hidden, attention_bias, padding_mask)  # (B, H, T, S)
        if first_token:
            query, attention_bias = query[:, :, :1], attention_bias[:, :, :1]
        probabilities = self._attend(query, key, attention_bias)
        dropped = self.probability_dropout(probabilities, training=training)
        context = ops.transpose(ops.matmul(dropped, value), (0, 2, 1, 3))  # (B, T, H, S)
        context = ops.reshape(context, (-1, self.num_heads * self.size_per_head))
        if padding_mask is not None and not first_token:
            context = remove_padding(context, padding_mask)
        outputs = self.output_dense(context)
        return (outputs, probabilities) if self.output_attentions else outputs

    def probabilities(self, hidden: Any, attention_bias: Any, padding_mask: Any = None) -> Any:
        """Computes who looks at whom, and no more.

        Args:
            hidden: As in a call.
            attention_bias: As in a call.
            padding_mask: As in a call.

        Returns:
            float (batch, heads, tokens, tokens), the share that each token gives to each.
        """
        query, key, _ = self._query_key_value(hidden, attention_bias, padding_mask)
        return self._attend(query, key, attention_bias)

    def _query_key_value(self, hidden: Any, attention_bias: Any, padding_mask: Any) -> Any:
        """Returns three of float (batch, heads, tokens, size of a head)."""
        bias_shape = ops.shape(attention_bias)
        qkv = self.qkv(hidden)
        if padding_mask is not None:
            qkv = restore_padding(qkv, padding_mask)
        qkv = ops.reshape(qkv, (bias_shape[0], bias_shape[3], 3, self.num_heads, self.size_per_head))
        qkv = ops.transpose(qkv, (2, 0, 3, 1, 4))
        # unstack, not indexing: the gradient of a slice fills two thirds of a tensor with zeros, three times over
        return ops.unstack(qkv, 3)

    def _attend(self, query: Any, key: Any, attention_bias: Any) -> Any:
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))  # (B, H, T, T)
        scores = scores * self.size_per_head**-0.5 + attention_bias
        return ops.cast(ops.softmax(wide(scores)), self.compute_dtype)

    def compute_output_spec(self, hidden: Any, attention_bias: Any, *arguments: Any, **options: Any) -> Any:
        if options.get("first_token"):
            return first_token_spec(self, hidden, attention_bias)
        return super().compute_output_spec(hidden, attention_bias, *arguments, **options)

    def compute_output_shape(self, hidden_shape: Any, attention_bias_shape: Any) -> Any:
        batch, _, _, tokens = attention_bias_shape
        return (hidden_shape, (batch, self.num_heads, tokens, tokens)) if self.output_attentions else hidden_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "dropout": self.dropout,
            "output_attentions": self.output_attentions,
            "initializer_range": self.initializer_range,
            "adapters": self.adapters,
            "head_size": self.head_size,
        }


def first_token_spec(layer: Any, hidden: Any, attention_bias: Any) -> Any:
    """Returns what a symbolic call with `first_token` gives: of this layer, or of a block around it."""
    batch, _, _, tokens = attention_bias.shape
    first = keras.KerasTensor((batch, hidden.shape[-1]), layer.compute_dtype)
    attentions = keras.KerasTensor((batch, layer.num_heads, 1, tokens), layer.compute_dtype)
    return (first, attentions) if layer.output_attentions else first
