"""What becomes of the hidden states: poolings, dense layers, and the outputs by Hugging Face's names."""

from collections.abc import Mapping, Sequence
from typing import Any

from keras_bert.serving.formats.network import Head
from keras_bert.serving.formats.onnx.activations import activation
from keras_bert.serving.formats.onnx.encoder import OnnxEncoder, float_dense

_BATCH, _TOKENS = "batch_size", "sequence_length"
_NORM_EPSILON = 1e-5  # of sentence-transformers' LayerNorm
_LEAST_LENGTH = 1e-12  # of `keras.layers.UnitNormalization`


class OnnxHead:
    """Writes the encoder and a head on it into the encoder's graph.

    Args:
        encoder: The encoder, prepared.
        head: What to write.
        token_ids: The input that markers are looked for in, int64 (batch, tokens).
        masks: The padding mask, int64 (batch, tokens), and perhaps the pooling mask.
    """

    def __init__(self, encoder: OnnxEncoder, head: Head, token_ids: str, masks: Sequence[str]) -> None:
        self.encoder = encoder
        self.graph = encoder.graph
        self.head = head
        self.token_ids = token_ids
        self.masks = tuple(masks)

    # -- outputs -------------------------------------------------------------------------------------------------

    def token_outputs(self, names: Sequence[str]) -> None:
        """Gives the logits of each token: all under one name, or each under its own."""
        encoder, graph = self.encoder, self.graph
        dense = encoder.dense(str(self.head.linear))
        logits = encoder.restored(float_dense(graph, encoder.encode(), dense))
        if len(names) == 1:
            graph.output(logits, names[0], [_BATCH, _TOKENS, dense.bias.size])
            return
        for value, name in zip(graph.split(logits, len(names)), names, strict=True):
            graph.output(graph.add("Squeeze", value, graph.integers(-1)), name, [_BATCH, _TOKENS])

    def text_output(self, activate: bool) -> tuple[str, int]:
        """Computes the outputs of each text, float32 (batch, outputs), and says how many these are.

        Args:
            activate: Apply the head's activation; tools of others than ours do that themselves.
        """
        dense = self.encoder.dense(str(self.head.linear))
        logits = float_dense(self.graph, self._pooled(self._states()), dense)
        if self.head.temperature != 1:
            logits = self.graph.add("Div", logits, self.graph.number(self.head.temperature))
        return (activation(self.graph, logits, self.head.activation) if activate else logits), dense.bias.size

    def embedding_outputs(self, with_vector: bool, with_states: bool) -> None:
        """Gives `sentence_embedding` (batch, size), `last_hidden_state` (batch, tokens, size), or both."""
        graph, size = self.graph, self.encoder.config.hidden_size
        states = self.encoder.encode() if with_states else self._states()
        if with_states:
            graph.output(self.encoder.restored(states), "last_hidden_state", [_BATCH, _TOKENS, size])
        if with_vector:
            vector = self.encoder.first(states) if with_states and self._reads_first else self._pooled(states)
            value, size = self._modules(vector, size * len(self.head.reads))
            graph.output(value, "sentence_embedding", [_BATCH, size])

    # -- poolings ------------------------------------------------------------------------------------------------

    @property
    def _reads_first(self) -> bool:
        """Whether the first token of each row is all that is read."""
        return self.head.reads == ("pooler",) or (self.head.reads == ("cls",) and len(self.masks) == 1)

    def _states(self) -> str:
        return self.encoder.encode(first_only=self._reads_first)

    def _pooled(self, states: str) -> str:
        """Pools hidden states, float32 (batch, size); with `_reads_first` they are those of first tokens already."""
        if self._reads_first:
            if self.head.reads == ("cls",):
                return states
            return self.graph.add("Tanh", float_dense(self.graph, states, self.encoder.dense("bert.pooler.dense")))
        padded = self.encoder.restored(states)
        vectors = [self._markers(padded) if mode == "markers" else self._pool(padded, mode) for mode in self.head.reads]
        return vectors[0] if len(vectors) == 1 else self.graph.add("Concat", *vectors, axis=-1)

    def _markers(self, states: str) -> str:
        """Joins the states where markers stand first, as `layers.marker_pooling`."""
        graph = self.graph
        vectors = []
        for token_id in self.head.marker_ids:
            is_marker = graph.cast(graph.add("Equal", self.token_ids, graph.index(token_id)), "INT32")
            vectors.append(self._taken(states, graph.add("ArgMax", is_marker, axis=1)))
        return graph.add("Concat", *vectors, axis=-1)

    def _pool(self, states: str, mode: str) -> str:
        """Pools as `layers.token_pooling` does, where the modes are described."""
        graph = self.graph
        if mode == "cls" and len(self.masks) == 1:
            return graph.add("Gather", states, graph.index(0), axis=1)
        counted = graph.cast(self.masks[-1], "FLOAT")
        tokens = graph.add("Gather", graph.add("Shape", self.token_ids), graph.index(1))
        places = graph.cast(
            graph.add("Range", graph.index(1), graph.add("Add", tokens, graph.index(1)), graph.index(1)), "FLOAT"
        )
        if mode == "cls":
            return self._taken(states, graph.add("ArgMax", counted, axis=1, keepdims=1))
        axes = graph.integers(-1)
        if mode == "lasttoken":
            masked = graph.add("Mul", states, graph.add("Unsqueeze", counted, axes))
            return self._taken(masked, graph.add("ArgMax", graph.add("Mul", counted, places), axis=1))
        mask = graph.add("Unsqueeze", counted, axes)
        if mode == "max":
            is_counted = graph.add("Greater", mask, graph.number(0.0))
            hidden = graph.add("Where", is_counted, states, graph.number(float("-inf")))
            largest = graph.add("ReduceMax", hidden, axes=[1], keepdims=0)
            any_counted = graph.add("Greater", graph.add("ReduceMax", mask, axes=[1], keepdims=0), graph.number(0.0))
            return graph.add("Where", any_counted, largest, graph.number(0.0))
        if mode == "weightedmean":
            mask = graph.add("Unsqueeze", graph.add("Mul", counted, places), axes)
        total = graph.add("ReduceSum", mask, graph.integers(1), keepdims=0)
        total = graph.add("Max", total, graph.number(1.0))
        if mode == "mean_sqrt_len_tokens":
            total = graph.add("Sqrt", total)
        return graph.add(
            "Div", graph.add("ReduceSum", graph.add("Mul", states, mask), graph.integers(1), keepdims=0), total
        )

    def _taken(self, states: str, places: str) -> str:
        """Takes one token of each row: float32 (batch, size) at int64 (batch, 1)."""
        return self.graph.add("GatherND", states, places, batch_dims=1)

    # -- modules of an embedder ----------------------------------------------------------------------------------

    def _modules(self, vector: str, size: int) -> tuple[str, int]:
        """Applies modules, normalization and truncation; returns the vector and its size."""
        graph = self.graph
        for number, module in enumerate(self.head.modules, start=2):
            kind = module["kind"]
            if kind == "Dense":
                vector = self._projected(vector, f"{number}_Dense", module)
                size = module["units"]
            elif kind == "LayerNorm":
                weights = self.encoder.norm_weights(f"{number}_LayerNorm/norm")
                vector = graph.add("LayerNormalization", vector, *weights, axis=-1, epsilon=_NORM_EPSILON)
            elif kind == "Normalize":
                vector = self._of_length_one(vector)
        if self.head.normalize:
            vector = self._of_length_one(vector)
        if self.head.size is not None and self.head.size < size:
            size = self.head.size
            vector = graph.add("Slice", vector, graph.integers(0), graph.integers(size), graph.integers(1))
        return vector, size

    def _projected(self, vector: str, name: str, module: Mapping[str, Any]) -> str:
        """Applies a `layers.projection`."""
        graph, weights = self.graph, self.encoder.weights
        product = self._matmul(vector, f"{name}/linear.weight")
        if module["use_bias"]:
            product = graph.add("Add", product, graph.constant(f"{name}/linear.bias", weights[f"{name}/linear.bias"]))
        product = activation(graph, product, module["activation"])
        if not module["use_residual"]:
            return product
        residual = f"{name}/residual.weight"
        return graph.add("Add", product, self._matmul(vector, residual) if residual in weights else vector)

    def _matmul(self, vector: str, name: str) -> str:
        return self.graph.add("MatMul", vector, self.graph.constant(name, self.encoder.weights[name].T))

    def _of_length_one(self, vector: str) -> str:
        graph = self.graph
        length = graph.add("ReduceL2", vector, axes=[-1])
        return graph.add("Div", vector, graph.add("Max", length, graph.number(_LEAST_LENGTH)))
