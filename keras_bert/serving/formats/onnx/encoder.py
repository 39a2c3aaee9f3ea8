"""BERT's encoder as an ONNX graph: what the plain and the fused form share."""

import abc
from collections.abc import Mapping

import numpy as np

from keras_bert.config import BertConfig
from keras_bert.serving.formats.onnx.activations import LOWEST
from keras_bert.serving.formats.onnx.graph import Graph
from keras_bert.serving.formats.onnx.products import Dense, Product, float_product, quantized

# As `layers.attention_bias`: exp() of it is 0 behind the softmax's shift.
MASKED = -3e4


class OnnxEncoder(abc.ABC):
    """Writes embeddings and blocks into a graph; subclasses say by which operators.

    Args:
        graph: Where the nodes go. Has the inputs `input_ids`, `attention_mask` and `token_type_ids`, int64
            (batch, tokens), or others that `prepare` is given.
        config: The architecture.
        weights: float32 under Hugging Face's names, dense ones (out, in).
        product: How hidden states are multiplied with weights.
        table8: Keep the word embeddings in 8 bits, with a scale a row.

    References:
        Devlin et al. 2018, arXiv:1810.04805, section 3; pre-LN: Xiong et al. 2020, arXiv:2002.04745.
    """

    ids: str
    """Token ids, int64, in the shape of the hidden states."""

    segments: str
    """Segment ids likewise."""

    def __init__(
        self, graph: Graph, config: BertConfig, weights: Mapping[str, np.ndarray], product: Product, table8: bool
    ) -> None:
        self.graph = graph
        self.config = config
        self.weights = weights
        self.product = product
        self.table8 = table8

    # -- what the forms differ in --------------------------------------------------------------------------------

    @abc.abstractmethod
    def prepare(self, input_ids: str, attention_mask: str, token_type_ids: str) -> None:
        """Computes what all blocks need of the inputs, int64 (batch, tokens); sets `ids` and `segments`."""

    @abc.abstractmethod
    def positions(self) -> str:
        """Looks position embeddings up, as wide as the hidden states of this form or to be broadcast to them."""

    @abc.abstractmethod
    def activation(self, value: str, bias: str) -> str:
        """Adds a bias and applies `hidden_act`."""

    @abc.abstractmethod
    def attend(self, states: str, block: str, first_only: bool) -> str:
        """Attends, before the output projection: the shape of `states`, or (batch, size) of first tokens alone."""

    @abc.abstractmethod
    def first(self, states: str) -> str:
        """Takes the first token of each row, float32 (batch, size)."""

    @abc.abstractmethod
    def restored(self, states: str) -> str:
        """Returns the states of all tokens with padding, whatever is in its places: (batch, tokens, size)."""

    # -- what they share -----------------------------------------------------------------------------------------

    def encode(self, first_only: bool = False) -> str:
        """Writes the encoder.

        Args:
            first_only: The last block computes the first token alone, which is all that the head reads.

        Returns:
            The hidden states as this form has them, or (batch, size) with `first_only`.
        """
        segments = self.graph.add("Gather", self._segment_table(), self.segments)
        words = self.graph.add("Add", self._words(), self.positions())
        states, residual = self.norm(segments, words, self._first_norm)
        last = self.config.num_hidden_layers - 1
        for index in range(last + 1):
            states, residual = self._block(index, states, residual, first_only and index == last)
        return states

    def norm(self, value: str, residual: str, name: str) -> tuple[str, str]:
        """Adds the residual and normalizes.

        ONNX Runtime's `SkipLayerNormalization` does this in one operation, which on a CPU takes three times as long
        (1.32).

        Returns:
            What was normalized, and what the next residual is: with pre-LN the sum, else the same.
        """
        graph, weights = self.graph, self.norm_weights(name)
        total = graph.add("Add", value, residual)
        normal = graph.add("LayerNormalization", total, *weights, axis=-1, epsilon=self.config.layer_norm_eps)
        return normal, total if self.config.norm_first else normal

    def dense(self, name: str) -> Dense:
        """Returns the dense layer of Hugging Face's name."""
        return Dense(name, self.weights[f"{name}.weight"].T, self.weights[f"{name}.bias"])

    def joined(self, block: str, parts: tuple[str, ...]) -> Dense:
        """Joins dense layers of attention, such as query, key and value, to one."""
        layers = [self.dense(f"{block}.attention.self.{part}") for part in parts]
        weight = np.concatenate([layer.weight for layer in layers], axis=1)
        name = f"{block}.attention.self.{'_'.join(parts)}"
        return Dense(name, weight, np.concatenate([layer.bias for layer in layers]))

    def norm_weights(self, name: str) -> list[str]:
        """Keeps scale and shift of a normalization."""
        return [self.graph.constant(f"{name}.{part}", self.weights[f"{name}.{part}"]) for part in ("weight", "bias")]

    @property
    def _first_norm(self) -> str:
        """The normalization behind the embeddings: with pre-LN that before the first attention."""
        return "bert.encoder.layer.0.attention.output.LayerNorm" if self.config.norm_first else _EMBEDDING_NORM

    def _words(self) -> str:
        """Looks word embeddings up, float32 (..., size)."""
        name, graph = f"{_EMBEDDINGS}.word_embeddings.weight", self.graph
        if not self.table8:
            return graph.add("Gather", graph.constant(name, self.weights[name]), self.ids)
        whole, scales = quantized(self.weights[name], axis=1)
        rows = graph.cast(graph.add("Gather", graph.constant(f"{name}.int8", whole), self.ids), "FLOAT")
        scale = graph.add("Gather", graph.constant(f"{name}.scale", scales[:, None]), self.ids)
        return graph.add("Mul", rows, scale)

    def _segment_table(self) -> str:
        """Keeps the segment embeddings, float32 (segments, size)."""
        name = f"{_EMBEDDINGS}.token_type_embeddings.weight"
        return self.graph.constant(name, self.weights[name])

    def position_table(self) -> str:
        """Keeps the position embeddings, learned or sinusoidal, float32 (positions, size)."""
        name, config = f"{_EMBEDDINGS}.position_embeddings.weight", self.config
        if config.position_embedding_type == "sinusoidal":
            return self.graph.constant(name, sinusoids(config.max_position_embeddings, config.hidden_size))
        return self.graph.constant(name, self.weights[name])

    def _block(self, index: int, states: str, residual: str, first_only: bool) -> tuple[str, str]:
        block = f"bert.encoder.layer.{index}"
        context = self.attend(states, block, first_only)
        if first_only:
            residual = self.first(residual)
        norms = self._norms(index)
        projected = self.product(self.graph, context, self.dense(f"{block}.attention.output.dense"))
        states, residual = self.norm(self.graph.add("Add", *projected), residual, norms[0])
        inner = self.activation(*self.product(self.graph, states, self.dense(f"{block}.intermediate.dense")))
        lowest = LOWEST.get(self.config.hidden_act)
        outer = self.product(self.graph, inner, self.dense(f"{block}.output.dense"), lowest)
        return self.norm(self.graph.add("Add", *outer), residual, norms[1])

    def _norms(self, index: int) -> tuple[str, str]:
        """Names the normalizations behind attention and behind the feed-forward layer of a block."""
        block, after = f"bert.encoder.layer.{index}", f"bert.encoder.layer.{index + 1}"
        if not self.config.norm_first:
            return f"{block}.attention.output.LayerNorm", f"{block}.output.LayerNorm"
        is_last = index == self.config.num_hidden_layers - 1
        return f"{block}.output.LayerNorm", "bert.encoder.ln" if is_last else f"{after}.attention.output.LayerNorm"


def float_dense(graph: Graph, inputs: str, dense: Dense) -> str:
    """Writes a whole dense layer in float32, as heads have it in every form: they are small."""
    value, bias = float_product(graph, inputs, dense)
    return graph.add("Add", value, bias)


def sinusoids(positions: int, size: int) -> np.ndarray:
    """Returns the table of `layers.bert_embeddings.sinusoidal_positions`, float32 (positions, size)."""
    columns = np.arange(size)
    angles = np.arange(positions)[:, None] / 10000 ** ((columns - columns % 2) / size)
    return np.where(columns % 2 == 0, np.sin(angles), np.cos(angles)).astype("float32")


_EMBEDDINGS = "bert.embeddings"
_EMBEDDING_NORM = "bert.embeddings.LayerNorm"
