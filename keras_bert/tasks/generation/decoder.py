"""An encoder with a word head as what a search asks for: the source once, then one token at a time."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from keras_bert.decoding.rows import Start, Step
from keras_bert.encoder import BertEncoder
from keras_bert.graph import graph_function
from keras_bert.layers.attention_bias import AttentionBias
from keras_bert.layers.cached_attention import block_step, keys_and_values
from keras_bert.layers.masked_lm_head import MaskedLMHead
from keras_bert.layers.ordered_attention_bias import CAUSAL, OrderedAttentionBias


class CachedDecoder:
    """Gives the logits that the whole row would give, from what is kept of the tokens before.

    Where the head has `output_ids`, tokens are numbered by their places there.

    Args:
        encoder: With `attention="prefix"` or `"causal"`.
        head: The word head.
        segment: The segment of what is written: 1 after a source, 0 for a text that goes on.

    Example:
        >>> decoder = CachedDecoder(model.encoder, model.word_head, segment=1)  # doctest: +SKIP
        >>> beam_search(*decoder.begin(inputs), constraints, 32, num_beams=5)  # doctest: +SKIP
    """

    def __init__(self, encoder: BertEncoder, head: MaskedLMHead, segment: int) -> None:
        self.encoder = encoder
        self.head = head
        self.segment = segment
        policy = encoder.dtype_policy
        self._bias = AttentionBias(dtype=policy)
        self._ordered = OrderedAttentionBias(CAUSAL, dtype=policy)
        self._traced_step = graph_function(self._step, reduce_retracing=True)

    def begin(self, inputs: Mapping[str, Any], traced: bool = False) -> tuple[Step, Start]:
        """Reads the source.

        Args:
            inputs: `token_ids`, `segment_ids`, `padding_mask`, int32 (rows, tokens): sources alone.
            traced: The step is a graph, traced once for all sources, for loops in Python.

        Returns:
            The step and what it starts with: the logits of the first token, float32 (rows, entries); of the source
            the keys and values by layer; the keys and values of no tokens. The step holds the rows of the word table,
            cast and picked once, not at each token.
        """
        encoder, mask = self.encoder, inputs["padding_mask"]
        rows, tokens = tf.unstack(tf.shape(mask))
        bias = self._bias(mask)
        seen = self._ordered(mask, inputs["segment_ids"]) if encoder.attention == CAUSAL else bias
        hidden = encoder.embeddings(inputs["token_ids"], inputs["segment_ids"])
        hidden = tf.reshape(hidden, (-1, encoder.config.hidden_size))
        kept = []
        for block in encoder.blocks:
            kept.append(keys_and_values(block, hidden, rows))
            hidden = block(hidden, seen)
        hidden = hidden if encoder.final_norm is None else encoder.final_norm(hidden)
        lengths = tf.reduce_sum(mask, axis=1)
        last = tf.maximum(lengths - 1, 0)
        # In float32 whatever the policy: one row a step is what bfloat16 is slowest at, and nothing need be cast.
        output_rows = self.head.output_rows(tf.cast(encoder.embeddings.word_embeddings, tf.float32))
        newest = tf.gather(tf.reshape(hidden, (rows, tokens, -1)), last, batch_dims=1)
        logits = tf.cast(self.head.logits(newest, *output_rows), tf.float32)
        source = {"layers": kept, "bias": bias, "length": lengths}
        attention = encoder.blocks[0].attention
        none = tf.zeros([rows, 1, attention.num_heads, 0, attention.size_per_head], attention.compute_dtype)
        state = [(none, none) for _ in encoder.blocks]

        def step(ids: Any, time: Any, source: Any, state: Any) -> tuple[Any, Any]:
            return (self._traced_step if traced else self._step)(output_rows, ids, time, source, state)

        return step, Start(logits, source, state, growing=[(3, 3) for _ in encoder.blocks])

    def _step(self, output_rows: tuple[Any, Any], ids: Any, time: Any, source: Any, state: Any) -> tuple[Any, Any]:
        """Computes the newest token of each sequence; see `keras_bert.decoding.rows.Step`."""
        if self.head.output_ids is not None:
            ids = tf.gather(tf.constant(self.head.output_ids, tf.int32), ids)
        encoder = self.encoder
        rows, beams = tf.unstack(tf.shape(ids))
        positions = tf.broadcast_to(source["length"][:, None] + time, [rows, beams])
        hidden = encoder.embeddings.at(ids, tf.fill([rows, beams], self.segment), positions)
        hidden = tf.reshape(hidden, (-1, encoder.config.hidden_size))
        kept = []
        for block, of_source, before in zip(encoder.blocks, source["layers"], state, strict=True):
            hidden, now = block_step(block, hidden, of_source, source["bias"], before)
            kept.append(now)
        hidden = hidden if encoder.final_norm is None else encoder.final_norm(hidden)
        logits = tf.cast(self.head.logits(hidden, *output_rows), tf.float32)
        return tf.reshape(logits, (rows, beams, logits.shape[-1])), kept
