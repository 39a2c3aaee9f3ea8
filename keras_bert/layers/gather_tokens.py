"""From the hidden states of rows to those of some tokens."""

from typing import Any

import keras
from keras import ops

from keras_bert.layers.checked_layer import CheckedLayer
from keras_bert.layers.gather_rows import gather_rows


@keras.saving.register_keras_serializable(package="keras_bert")
class GatherTokens(CheckedLayer):
    """Takes the hidden states at given places, such as those of each example's `[CLS]` in rows of several.

    Call arguments:
        sequence_output: float (batch, tokens, size).
        positions: int32 (batch, places), places in a row.

    Returns:
        float (batch · places, size).

    Example:
        >>> hidden = keras.ops.array([[[1.0], [3.0], [9.0]]])
        >>> GatherTokens()(hidden, keras.ops.array([[0, 2]])).numpy().tolist()
        [[1.0], [9.0]]
    """

    def call(self, sequence_output: Any, positions: Any) -> Any:
        batch, tokens, size = ops.shape(sequence_output)
        places = ops.arange(batch, dtype="int32")[:, None] * tokens + ops.cast(positions, "int32")
        return gather_rows(ops.reshape(sequence_output, (-1, size)), ops.reshape(places, (-1,)))

    def compute_output_shape(self, sequence_output_shape: Any, positions_shape: Any) -> Any:
        batch, places = positions_shape
        return (None if batch is None or places is None else batch * places, sequence_output_shape[-1])

    def get_config(self) -> dict[str, Any]:
        # Left to itself, Keras finds no config for a layer that was given a dtype policy object.
        return super().get_config()
