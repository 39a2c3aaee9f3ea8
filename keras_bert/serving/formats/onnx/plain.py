"""The plain form: standard operators only, which every runtime of ONNX has."""

import math

from keras_bert.serving.formats.onnx.activations import activation
from keras_bert.serving.formats.onnx.encoder import MASKED, OnnxEncoder


class PlainEncoder(OnnxEncoder):
    """Standard operators of one opset; hidden states are float32 (batch, tokens, size), padding among them."""

    def prepare(self, input_ids: str, attention_mask: str, token_type_ids: str) -> None:
        """Makes the bias of attention, float32 (batch, 1, 1, tokens)."""
        graph = self.graph
        self.ids, self.segments = input_ids, token_type_ids
        padding = graph.add("Sub", graph.number(1.0), graph.cast(attention_mask, "FLOAT"))
        bias = graph.add("Mul", padding, graph.number(MASKED))
        self.bias = graph.add("Unsqueeze", bias, graph.integers(1, 2))

    def positions(self) -> str:
        """Takes the first rows of the table, float32 (tokens, size)."""
        graph = self.graph
        tokens = graph.add("Slice", graph.add("Shape", self.ids), graph.integers(1), graph.integers(2))
        return graph.add("Slice", self.position_table(), graph.integers(0), tokens, graph.integers(0))

    def activation(self, value: str, bias: str) -> str:
        """Applies the activation in the operations that ONNX Runtime knows as one; see `OnnxEncoder`."""
        return activation(self.graph, self.graph.add("Add", value, bias), self.config.hidden_act)

    def attend(self, states: str, block: str, first_only: bool) -> str:
        """Scaled dot-product attention; see `OnnxEncoder`."""
        graph, config = self.graph, self.config
        joined = self.joined(block, ("key", "value") if first_only else ("query", "key", "value"))
        parts = graph.split(graph.add("Add", *self.product(graph, states, joined)), 2 if first_only else 3)
        key, value = parts[-2:]
        if first_only:
            asking = graph.add("Unsqueeze", self.first(states), graph.integers(1))
            query = graph.add("Add", *self.product(graph, asking, self.dense(f"{block}.attention.self.query")))
        else:
            query = parts[0]
        scores = graph.add("MatMul", self._heads(query, [0, 2, 1, 3]), self._heads(key, [0, 2, 3, 1]))
        scores = graph.add("Mul", scores, graph.number(1 / math.sqrt(config.head_size)))
        probabilities = graph.add("Softmax", graph.add("Add", scores, self.bias), axis=-1)
        context = graph.add("MatMul", probabilities, self._heads(value, [0, 2, 1, 3]))
        context = graph.add("Transpose", context, perm=[0, 2, 1, 3])
        shape = (-1, config.attention_size) if first_only else (0, 0, config.attention_size)
        return graph.add("Reshape", context, graph.integers(*shape))

    def first(self, states: str) -> str:
        """Takes the first token of each row; see `OnnxEncoder`."""
        return self.graph.add("Gather", states, self.graph.index(0), axis=1)

    def restored(self, states: str) -> str:
        """Returns the states as they are."""
        return states

    def _heads(self, value: str, order: list[int]) -> str:
        """Parts float32 (batch, tokens, size) into heads and puts its axes into an order."""
        shape = self.graph.integers(0, 0, self.config.num_attention_heads, self.config.head_size)
        return self.graph.add("Transpose", self.graph.add("Reshape", value, shape), perm=order)
