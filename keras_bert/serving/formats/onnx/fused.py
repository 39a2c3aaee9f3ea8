"""The fused form: ONNX Runtime's own operators, and no padding but in attention."""

from keras_bert.serving.formats.onnx.activations import activation
from keras_bert.serving.formats.onnx.encoder import MASKED, OnnxEncoder
from keras_bert.serving.formats.onnx.graph import MICROSOFT

_FUSED = {"gelu": "BiasGelu", "gelu_new": "FastGelu"}


class FusedEncoder(OnnxEncoder):
    """Operators of ONNX Runtime; hidden states are float32 (kept, size), those of the tokens of all rows.

    What is kept of a batch are its tokens and the first place of each row, whatever the mask says of it. Padding is
    put in again for attention, with copies of other tokens, which the mask hides.

    References:
        microsoft/onnxruntime, docs/ContribOperators.md; the same on the Keras side: `layers.unpadding`.
    """

    def prepare(self, input_ids: str, attention_mask: str, token_type_ids: str) -> None:
        """Finds which places of the batch are kept, int64 (kept,), and the way back, int64 (batch, tokens)."""
        graph = self.graph
        self.mask = graph.cast(attention_mask, "INT32")  # as MultiHeadAttention takes it
        shape = graph.add("Shape", attention_mask)
        tokens = graph.add("Gather", shape, graph.index(1))
        places = graph.add("Range", graph.index(0), tokens, graph.index(1))
        is_first = graph.cast(graph.add("Equal", places, graph.index(0)), "INT64")
        is_kept = graph.add("Reshape", graph.add("Max", attention_mask, is_first), graph.integers(-1))
        self.kept = graph.add("Reshape", graph.add("NonZero", is_kept), graph.integers(-1))
        counts = graph.add("Sub", graph.add("CumSum", is_kept, graph.index(0)), graph.index(1))
        self.rows = graph.add("Reshape", counts, shape)
        self.first_rows = graph.add("Gather", self.rows, graph.index(0), axis=1)
        self._positions = graph.add("Mod", self.kept, tokens)
        self.ids, self.segments = (self._without_padding(value, (-1,)) for value in (input_ids, token_type_ids))

    def positions(self) -> str:
        """Looks up where each token stands in its row, float32 (kept, size)."""
        return self.graph.add("Gather", self.position_table(), self._positions)

    def activation(self, value: str, bias: str) -> str:
        """Both forms of GELU are one operation; see `OnnxEncoder`."""
        graph, name = self.graph, self.config.hidden_act
        if name not in _FUSED:
            return activation(graph, graph.add("Add", value, bias), name)
        return graph.add(_FUSED[name], value, bias, domain=MICROSOFT)

    def attend(self, states: str, block: str, first_only: bool) -> str:
        """Scaled dot-product attention in one operation; see `OnnxEncoder`."""
        graph = self.graph
        parts = ("query", "key", "value")
        joined = self.joined(block, parts[1:] if first_only else parts)
        product, bias = self.product(graph, states, joined)
        values = graph.split(self.restored(product), 2 if first_only else 3)
        if first_only:
            asking, query_bias = self.product(graph, self.first(states), self.joined(block, parts[:1]))
            values = [graph.add("Unsqueeze", asking, graph.integers(1)), *values]
            bias = graph.add("Concat", query_bias, bias, axis=0)
        context = graph.add(
            "MultiHeadAttention",
            *(*values, bias, self.mask),
            domain=MICROSOFT,
            num_heads=self.config.num_attention_heads,
            mask_filter_value=MASKED,
        )
        size = self.config.attention_size
        if first_only:
            return graph.add("Squeeze", context, graph.integers(1))
        return self._without_padding(context, (-1, size))

    def first(self, states: str) -> str:
        """Takes the first token of each row; see `OnnxEncoder`."""
        return self.graph.add("Gather", states, self.first_rows)

    def restored(self, states: str) -> str:
        """Puts padding in again: a copy of the token before it; see `OnnxEncoder`."""
        return self.graph.add("Gather", states, self.rows)

    def _without_padding(self, value: str, shape: tuple[int, ...]) -> str:
        flat = self.graph.add("Reshape", value, self.graph.integers(*shape))
        return self.graph.add("Gather", flat, self.kept)
