"""From the vectors of a text's windows to one vector a text."""

from typing import Any

import keras
from keras import ops

from keras_bert.layers.checked_layer import CheckedLayer
from keras_bert.layers.wide import wide

WINDOW_POOLINGS = ("mean", "max", "attention")


@keras.saving.register_keras_serializable(package="keras_bert")
class WindowPooling(CheckedLayer):
    """Makes one vector a text of those of its windows.

    Windows without a token are none. `"attention"` is a mean weighted by the softmax of the dot products with a vector
    that is learned; it begins with zeros, which is the plain mean. Sums are in float32 at least.

    Args:
        mode: `"mean"`, `"max"` or `"attention"`.
        **kwargs: Those of `keras.layers.Layer`.

    Call arguments:
        vectors: float (batch · windows, size).
        padding_mask: int32 (batch, windows, tokens), 1 = token, 0 = padding.

    Returns:
        float (batch, size); zeros for a text without a window.

    Example:
        >>> mask = keras.ops.array([[[1, 1], [1, 0], [0, 0]]])
        >>> WindowPooling("mean")(keras.ops.array([[1.0], [3.0], [9.0]]), mask).numpy().tolist()
        [[2.0]]

    References:
        Pappagari et al. 2019, arXiv:1910.10781, section 3; Yang et al. 2016, "Hierarchical Attention Networks for
        Document Classification", section 2.2, of which this has the context vector alone.
    """

    def __init__(self, mode: str = "mean", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if mode not in WINDOW_POOLINGS:
            raise ValueError(f"mode must be one of {', '.join(WINDOW_POOLINGS)}, received: {mode!r}")
        self.mode = mode
        self.query: Any = None

    def build(self, vectors_shape: Any, padding_mask_shape: Any) -> None:
        if self.mode == "attention":
            self.query = self.add_weight(shape=(vectors_shape[-1],), initializer="zeros", name="query")

    def call(self, vectors: Any, padding_mask: Any) -> Any:
        windows = ops.shape(padding_mask)[1]
        is_there = ops.any(ops.cast(padding_mask, "bool"), axis=-1)
        vectors = wide(ops.reshape(ops.convert_to_tensor(vectors), (-1, windows, vectors.shape[-1])))
        return ops.cast(self._pool(vectors, ops.expand_dims(is_there, -1)), self.compute_dtype)

    def _pool(self, vectors: Any, is_there: Any) -> Any:
        """Pools the windows that are there: float (batch, windows, size), bool (batch, windows, 1)."""
        if self.mode == "max":
            pooled = ops.max(ops.where(is_there, vectors, float("-inf")), axis=1)
            return ops.where(ops.any(is_there, axis=1), pooled, 0.0)
        weights = ops.cast(is_there, vectors.dtype)
        if self.mode == "attention":
            scores = ops.matmul(vectors, ops.expand_dims(ops.cast(self.query, vectors.dtype), -1))
            weights = weights * ops.softmax(ops.where(is_there, scores, -1e9), axis=1)
            return ops.sum(vectors * weights, axis=1)
        return ops.sum(vectors * weights, axis=1) / ops.maximum(ops.sum(weights, axis=1), 1.0)

    def compute_output_shape(self, vectors_shape: Any, padding_mask_shape: Any) -> Any:
        return (padding_mask_shape[0], vectors_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mode": self.mode}
