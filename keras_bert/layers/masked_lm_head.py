"""From the hidden states of masked tokens to the words that stood there."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_bert.layers.activations import activation as get_activation
from keras_bert.layers.bias_add import bias_add
from keras_bert.layers.checked_layer import CheckedLayer
from keras_bert.layers.layer_norm import LayerNorm
from keras_bert.layers.linear import Linear


@keras.saving.register_keras_serializable(package="keras_bert")
class MaskedLMHead(CheckedLayer):
    """BERT's masked-word head: gather, dense, activation, layer normalization, product with the word table, bias.

    Only the masked positions are computed. The word table is an input, so that the head shares the encoder's (see
    `WordTable`) and has none of its own. Where few words can come, the product with the others' rows can be spared.

    Args:
        vocabulary_size: Rows of the word table.
        activation: Name of the activation (see `keras_bert.layers.activations`).
        layer_norm_epsilon: Epsilon of the layer normalization.
        initializer_range: Standard deviation of the kernel's initializer.
        output_ids: Ids whose logits are computed, in this order; None: of all.
        **kwargs: Those of `keras.layers.Layer`.

    Call arguments:
        sequence_output: float (batch, tokens, size).
        mask_positions: int32 (batch, predictions), places in a row.
        word_table: float (vocabulary, size).

    Returns:
        float (batch, predictions, vocabulary), logits; with `output_ids` (batch, predictions, output ids).

    Raises:
        ValueError: An output id outside of the vocabulary.

    Example:
        >>> positions = keras.ops.array([[1, 3]])
        >>> logits = MaskedLMHead(30)(keras.ops.ones((1, 5, 4)), positions, keras.ops.ones((30, 4)))
        >>> tuple(logits.shape)
        (1, 2, 30)

    References:
        Devlin et al. 2018, arXiv:1810.04805, section 3.1; google-research/bert, run_pretraining.py,
        `get_masked_lm_output`.
    """

    def __init__(
        self,
        vocabulary_size: int,
        activation: str = "gelu",
        layer_norm_epsilon: float = 1e-12,
        initializer_range: float = 0.02,
        output_ids: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        get_activation(activation)  # an unknown name is an error here, not at the first call
        self.vocabulary_size = vocabulary_size
        self.activation = activation
        self.layer_norm_epsilon = layer_norm_epsilon
        self.initializer_range = initializer_range
        self.output_ids = None if output_ids is None else [int(id_) for id_ in output_ids]
        if self.output_ids is not None and not all(0 <= id_ < vocabulary_size for id_ in self.output_ids):
            raise ValueError(f"output_ids must lie in [0, {vocabulary_size}), received: {self.output_ids!r:.80}")

    def build(
        self,
        sequence_output_shape: tuple[int | None, ...],
        mask_positions_shape: tuple[int | None, ...],
        word_table_shape: tuple[int | None, ...],
    ) -> None:
        size = int(word_table_shape[-1] or 0)
        policy = self.dtype_policy
        self.dense = Linear(size, self.activation, self.initializer_range, dtype=policy, name="dense")
        self.dense.build((None, sequence_output_shape[-1]))
        self.layer_norm = LayerNorm(self.layer_norm_epsilon, dtype=policy, name="layer_norm")
        self.layer_norm.build((None, size))
        self.bias = self.add_weight(name="bias", shape=(self.vocabulary_size,), initializer="zeros")

    def call(self, sequence_output: Any, mask_positions: Any, word_table: Any) -> Any:
        # B batch, T tokens, P predictions, D size, V vocabulary; two axes throughout, where products fuse
        batch, tokens, size = ops.shape(sequence_output)
        places = ops.arange(batch, dtype="int32")[:, None] * tokens + ops.cast(mask_positions, "int32")
        flat = ops.reshape(sequence_output, (-1, size))  # (B · T, D)
        masked = ops.take(flat, ops.reshape(places, (-1,)), axis=0)  # (B · P, D)
        logits = self.logits(masked, *self.output_rows(word_table))  # (B · P, V)
        return ops.reshape(logits, (batch, ops.shape(mask_positions)[1], self._outputs))

    def output_rows(self, word_table: Any) -> tuple[Any, Any]:
        """Returns the rows of the word table that logits are computed of, float (V, size), and their biases, (V,)."""
        bias = ops.cast(self.bias, word_table.dtype)  # outside of a call Keras casts nothing
        if self.output_ids is None:
            return word_table, bias
        ids = np.array(self.output_ids, "int32")
        return ops.take(word_table, ids, axis=0), ops.take(bias, ids, axis=0)

    def logits(self, hidden: Any, table: Any, bias: Any) -> Any:
        """Computes the logits of hidden states; a loop calls it with what `output_rows` gave it once.

        Args:
            hidden: float (N, size).
            table: float (V, size).
            bias: float (V,).

        Returns:
            float (N, V).
        """
        hidden = ops.cast(self.layer_norm(self.dense(hidden)), table.dtype)
        # Table times hidden states, not the other way round. Of a product with a transposed table a CPU without AMX
        # makes 5 rows of 30,522 entries in 39 ms where it takes 10, 300 in bfloat16 and backward in 8 s where 0.6.
        return bias_add(ops.transpose(ops.matmul(table, ops.transpose(hidden))), bias)

    @property
    def _outputs(self) -> int:
        return self.vocabulary_size if self.output_ids is None else len(self.output_ids)

    def compute_output_shape(self, sequence_output_shape: Any, mask_positions_shape: Any, word_table_shape: Any) -> Any:
        return (*mask_positions_shape, self._outputs)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "activation": self.activation,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "initializer_range": self.initializer_range,
            "output_ids": None if self.output_ids is None else list(self.output_ids),
        }
