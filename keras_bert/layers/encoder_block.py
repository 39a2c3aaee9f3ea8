"""One block of the encoder: self-attention, then a feed-forward network."""

import functools
from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_bert.layers.adapted_linear import make_linear
from keras_bert.layers.checked_layer import CheckedLayer
from keras_bert.layers.dropout import Dropout
from keras_bert.layers.layer_norm import LayerNorm
from keras_bert.layers.recompute import recompute
from keras_bert.layers.self_attention import SelfAttention, first_token_spec
from keras_bert.layers.unpadding import first_tokens


@keras.saving.register_keras_serializable(package="keras_bert")
class EncoderBlock(CheckedLayer):
    """A Transformer encoder block as BERT has it, over two-dimensional hidden states.

    Post-LN, BERT's own: `x = norm(x + dropout(sublayer(x)))`. With `norm_first`, pre-LN:
    `x = x + dropout(sublayer(norm(x)))`. Layer normalization computes in float32 under every dtype policy.

    Args:
        num_heads: Attention heads.
        intermediate_size: Width of the feed-forward layer.
        activation: Name of its activation (see `keras_bert.layers.activations`).
        dropout: Dropout rate on the output of each sub-layer.
        attention_dropout: Dropout rate on the attention probabilities.
        layer_norm_epsilon: Epsilon of the layer normalizations.
        norm_first: Pre-LN in place of post-LN.
        output_attentions: Return the attention probabilities as well.
        initializer_range: Standard deviation of the kernels' initializer.
        gradient_checkpointing: In training keep nothing but the inputs, and compute the block again in the backward
            pass.
        unpad: The hidden states are without padding, see `FlattenTokens`; only attention puts it in again.
        adapters: Low-rank adapters, see `make_linear`: of attention's modules, `intermediate.dense` and `output.dense`.
            None for none.
        head_size: Width of an attention head; None for the size of the hidden states, divided by `num_heads`.
        **kwargs: Those of `keras.layers.Layer`.

    Call arguments:
        hidden: float (batch · tokens, size).
        attention_bias: float (batch, 1, 1, tokens), or (batch, 1, tokens, tokens); see `SelfAttention`.
        padding_mask: int32 (batch, tokens), 0 = padding; needed with `unpad` where anything is.
        first_token: Give the outputs of each row's first token alone. All tokens are attended to, as keys and values;
            everything else, about three quarters of the work, is for one token a row.

    Returns:
        float, the shape of `hidden`; with `output_attentions` a pair of that and float (batch, heads, tokens, tokens).
        With `first_token` the shapes are (batch, size) and (batch, heads, 1, tokens).

    Example:
        >>> import numpy as np
        >>> hidden, bias = np.zeros((2 * 5, 16), "float32"), np.zeros((2, 1, 1, 5), "float32")  # 2 rows of 5 tokens
        >>> EncoderBlock(num_heads=4, intermediate_size=32)(hidden, bias).shape
        TensorShape([10, 16])

    References:
        Devlin et al. 2018, arXiv:1810.04805, section 3; pre-LN: Xiong et al. 2020, arXiv:2002.04745.
    """

    def __init__(
        self,
        num_heads: int,
        intermediate_size: int,
        activation: str = "gelu",
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        layer_norm_epsilon: float = 1e-12,
        norm_first: bool = False,
        output_attentions: bool = False,
        initializer_range: float = 0.02,
        gradient_checkpointing: bool = False,
        unpad: bool = False,
        adapters: Mapping[str, Any] | None = None,
        head_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.intermediate_size = intermediate_size
        self.activation = activation
        self.dropout = dropout
        self.attention_dropout = attention_dropout
        self.layer_norm_epsilon = layer_norm_epsilon
        self.norm_first = norm_first
        self.output_attentions = output_attentions
        self.initializer_range = initializer_range
        self.gradient_checkpointing = gradient_checkpointing
        self.unpad = unpad
        self.adapters = adapters
        self.head_size = head_size

    def build(self, hidden_shape: tuple[int | None, ...], attention_bias_shape: tuple[int | None, ...]) -> None:
        size = int(hidden_shape[-1] or 0)
        policy = self.dtype_policy
        self.attention = SelfAttention(
            self.num_heads,
            dropout=self.attention_dropout,
            output_attentions=self.output_attentions,
            initializer_range=self.initializer_range,
            adapters=self.adapters,
            head_size=self.head_size,
            dtype=policy,
            name="attention",
        )
        self.attention.build(hidden_shape, attention_bias_shape)
        options: dict[str, Any] = {
            "adapters": self.adapters,
            "initializer_range": self.initializer_range,
            "dtype": policy,
        }
        self.intermediate = make_linear(
            self.intermediate_size, ["intermediate.dense"], activation=self.activation, name="intermediate", **options
        )
        self.intermediate.build(hidden_shape)
        self.output_dense = make_linear(size, ["output.dense"], name="output_dense", **options)
        self.output_dense.build((*hidden_shape[:-1], self.intermediate_size))
        norm: dict[str, Any] = {"epsilon": self.layer_norm_epsilon, "dtype": policy}
        self.attention_norm = LayerNorm(name="attention_norm", **norm)
        self.attention_norm.build(hidden_shape)
        self.output_norm = LayerNorm(name="output_norm", **norm)
        self.output_norm.build(hidden_shape)
        self.attention_dropout_layer = Dropout(self.dropout, dtype=policy)
        self.output_dropout_layer = Dropout(self.dropout, dtype=policy)

    def call(
        self,
        hidden: Any,
        attention_bias: Any,
        padding_mask: Any = None,
        training: bool = False,
        first_token: bool = False,
    ) -> Any:
        mask = padding_mask if self.unpad else None
        compute = functools.partial(self._compute, padding_mask=mask, training=training, first_token=first_token)
        if training and self.gradient_checkpointing:
            return recompute(self, compute, hidden, attention_bias)
        return compute(hidden, attention_bias)

    def _compute(self, hidden: Any, attention_bias: Any, padding_mask: Any, training: bool, first_token: bool) -> Any:
        inputs = self.attention_norm(hidden) if self.norm_first else hidden
        attended = self.attention(inputs, attention_bias, padding_mask, training=training, first_token=first_token)
        attended, probabilities = attended if self.output_attentions else (attended, None)
        if first_token:
            hidden = first_tokens(hidden, ops.shape(attention_bias)[0], padding_mask)
        hidden = self.finish(hidden, attended, training)
        return (hidden, probabilities) if self.output_attentions else hidden

    def finish(self, hidden: Any, attended: Any, training: bool = False) -> Any:
        """Computes what follows attention, token by token.

        Args:
            hidden: The block's input, float (tokens, size).
            attended: What attention made of it, float (tokens, size).
            training: With dropout.

        Returns:
            float (tokens, size).
        """
        hidden = hidden + self.attention_dropout_layer(attended, training=training)
        if not self.norm_first:
            hidden = self.attention_norm(hidden)

        inputs = self.output_norm(hidden) if self.norm_first else hidden
        expanded = self.output_dense(self.intermediate(inputs))
        hidden = hidden + self.output_dropout_layer(expanded, training=training)
        if not self.norm_first:
            hidden = self.output_norm(hidden)
        return hidden

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
            "intermediate_size": self.intermediate_size,
            "activation": self.activation,
            "dropout": self.dropout,
            "attention_dropout": self.attention_dropout,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "norm_first": self.norm_first,
            "output_attentions": self.output_attentions,
            "initializer_range": self.initializer_range,
            "gradient_checkpointing": self.gradient_checkpointing,
            "unpad": self.unpad,
            "adapters": self.adapters,
            "head_size": self.head_size,
        }
