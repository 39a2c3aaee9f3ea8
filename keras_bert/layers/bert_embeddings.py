"""Word, position and segment embeddings."""

import functools
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_bert.layers.checked_layer import CheckedLayer
from keras_bert.layers.dropout import Dropout
from keras_bert.layers.example_norms import by_example, table_squares, tapped
from keras_bert.layers.layer_norm import LayerNorm
from keras_bert.layers.packed_positions import packed_positions
from keras_bert.layers.word_shift import shifted

POSITION_TYPES = ("absolute", "sinusoidal")


@keras.saving.register_keras_serializable(package="keras_bert")
class BertEmbeddings(CheckedLayer):
    """The sum of word, position and segment embeddings, normalized, with dropout.

    Args:
        vocabulary_size: Rows of the word table.
        hidden_size: Width of the embeddings.
        max_positions: The longest input in tokens.
        num_segments: Rows of the segment table.
        position_type: `"absolute"` (a learned table) or `"sinusoidal"`.
        dropout: Dropout rate on the result.
        layer_norm_epsilon: Epsilon of the layer normalization.
        use_layer_norm: False leaves the normalization out (pre-LN encoders normalize inside the blocks).
        initializer_range: Standard deviation of the tables' initializer.
        **kwargs: Those of `keras.layers.Layer`.

    Call arguments:
        token_ids: int32 (batch, tokens).
        segment_ids: int32 (batch, tokens).
        examples: For rows that hold several examples: the number of each token's, int32 (batch, tokens); positions
            begin at 0 in each.

    Returns:
        float (batch, tokens, hidden_size).

    Example:
        >>> import numpy as np
        >>> layer = BertEmbeddings(vocabulary_size=100, hidden_size=16, max_positions=32)
        >>> layer(np.array([[2, 45, 3]]), np.zeros((1, 3), "int32")).shape
        TensorShape([1, 3, 16])

    References:
        Devlin et al. 2018, arXiv:1810.04805, figure 2; sinusoids: Vaswani et al. 2017, arXiv:1706.03762, 3.5.
    """

    def __init__(
        self,
        vocabulary_size: int,
        hidden_size: int,
        max_positions: int = 512,
        num_segments: int = 2,
        position_type: str = "absolute",
        dropout: float = 0.0,
        layer_norm_epsilon: float = 1e-12,
        use_layer_norm: bool = True,
        initializer_range: float = 0.02,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if position_type not in POSITION_TYPES:
            raise ValueError(f"position_type must be one of {', '.join(POSITION_TYPES)}, received: {position_type!r}")
        self.vocabulary_size = vocabulary_size
        self.hidden_size = hidden_size
        self.max_positions = max_positions
        self.num_segments = num_segments
        self.position_type = position_type
        self.dropout = dropout
        self.layer_norm_epsilon = layer_norm_epsilon
        self.use_layer_norm = use_layer_norm
        self.initializer_range = initializer_range
        self.position_embeddings: Any = None
        self.layer_norm: LayerNorm | None = None

    def build(
        self, token_ids_shape: tuple[int | None, ...], segment_ids_shape: Any, examples_shape: Any = None
    ) -> None:
        # autocast off: casting the gathered rows costs less than casting a whole table in every step.
        def table(name: str, rows: int) -> Any:
            return self.add_weight(
                name=name,
                shape=(rows, self.hidden_size),
                initializer=keras.initializers.TruncatedNormal(stddev=self.initializer_range),
                autocast=False,
            )

        self.word_embeddings = table("word_embeddings", self.vocabulary_size)
        self.token_type_embeddings = table("token_type_embeddings", self.num_segments)
        if self.position_type == "absolute":
            self.position_embeddings = table("position_embeddings", self.max_positions)
        if self.use_layer_norm:
            self.layer_norm = LayerNorm(self.layer_norm_epsilon, dtype=self.dtype_policy, name="layer_norm")
            self.layer_norm.build((*token_ids_shape, self.hidden_size))
        self.dropout_layer = Dropout(self.dropout, dtype=self.dtype_policy)

    def call(self, token_ids: Any, segment_ids: Any, examples: Any = None, training: bool = False) -> Any:
        tokens = token_ids.shape[1]
        if examples is None and tokens is not None and tokens > self.max_positions:
            raise ValueError(f"the input has {tokens} tokens, the position table {self.max_positions} rows")
        table = self._position_table()
        if examples is None:
            positions = table[: ops.shape(token_ids)[1]]
        else:
            positions = ops.take(table, packed_positions(examples), axis=0)
        return self._sum(token_ids, segment_ids, positions, training)

    def at(self, token_ids: Any, segment_ids: Any, positions: Any) -> Any:
        """Embeds tokens that stand at given positions, without dropout.

        Args:
            token_ids: int32 (batch, tokens).
            segment_ids: int32 (batch, tokens).
            positions: int32 (batch, tokens); those beyond the table take its last row.

        Returns:
            float (batch, tokens, hidden_size).
        """
        positions = ops.minimum(positions, self.max_positions - 1)
        return self._sum(token_ids, segment_ids, ops.take(self._position_table(), positions, axis=0), training=False)

    def without_words(self, segment_ids: Any) -> Any:
        """Embeds places alone: what stands there when the vector of the word is zero, without dropout.

        Args:
            segment_ids: int32 (batch, tokens).

        Returns:
            float (batch, tokens, hidden_size).
        """
        positions = self._position_table()[: ops.shape(segment_ids)[1]]
        return self._finish(ops.zeros_like(positions), segment_ids, positions, training=False)

    def _position_table(self) -> Any:
        if self.position_embeddings is not None:
            return self.position_embeddings
        return ops.convert_to_tensor(sinusoidal_positions(self.max_positions, self.hidden_size), self.variable_dtype)

    def _sum(self, token_ids: Any, segment_ids: Any, positions: Any, training: bool) -> Any:
        words = ops.take(self.word_embeddings, token_ids, axis=0)
        # The gradient of words is that of all tables: their rows are only added up.
        tables = (self.word_embeddings, self.token_type_embeddings, self.position_embeddings)
        words = tapped(words, tables, functools.partial(self._squares, token_ids, segment_ids))
        return self._finish(words, segment_ids, positions, training)

    def _finish(self, words: Any, segment_ids: Any, positions: Any, training: bool) -> Any:
        embeddings = words + positions  # (B, T, D)
        embeddings = shifted(embeddings + ops.take(self.token_type_embeddings, segment_ids, axis=0))
        if self.layer_norm is not None:
            embeddings = self.layer_norm(embeddings)
        return self.dropout_layer(ops.cast(embeddings, self.compute_dtype), training=training)

    def _squares(self, token_ids: Any, segment_ids: Any, upstream: Any, examples: Any, *counts: bool) -> Any:
        """Gives the squared norms of each example's gradients, see `example_norms`; each text begins at position 0."""
        texts, tokens = ops.shape(token_ids)
        positions = ops.broadcast_to(ops.arange(tokens, dtype="int32")[None, :], (texts, tokens))
        rows = [by_example(ids[..., None], examples)[..., 0] for ids in (token_ids, segment_ids, positions)]
        return table_squares([ids for ids, own in zip(rows, counts, strict=True) if own], upstream, examples)

    def compute_output_shape(self, token_ids_shape: Any, segment_ids_shape: Any, examples_shape: Any = None) -> Any:
        return (*token_ids_shape, self.hidden_size)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "hidden_size": self.hidden_size,
            "max_positions": self.max_positions,
            "num_segments": self.num_segments,
            "position_type": self.position_type,
            "dropout": self.dropout,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "use_layer_norm": self.use_layer_norm,
            "initializer_range": self.initializer_range,
        }


def sinusoidal_positions(max_positions: int, size: int) -> np.ndarray:
    """Returns the sinusoidal position encoding: sines in the even columns, cosines in the odd ones.

    Args:
        max_positions: Rows.
        size: Columns.

    Returns:
        float32 (max_positions, size).

    References:
        Vaswani et al. 2017, arXiv:1706.03762, section 3.5.
    """
    columns = np.arange(size)
    angles = np.arange(max_positions)[:, None] / 10000 ** ((columns - columns % 2) / size)
    return np.where(columns % 2 == 0, np.sin(angles), np.cos(angles)).astype("float32")
