"""From hidden states to those of some tokens, such as the markers before two entities."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_bert.layers.checked_layer import CheckedLayer


@keras.saving.register_keras_serializable(package="keras_bert")
class MarkerPooling(CheckedLayer):
    """Takes the hidden states where some tokens stand, side by side.

    Of a token that stands there several times the first counts; in place of one that is missing, the first token
    of the row (`[CLS]`) is taken.

    Args:
        token_ids: Ids of the tokens.
        **kwargs: Those of `keras.layers.Layer`.

    Call arguments:
        sequence_output: float (batch, tokens, size).
        token_ids: int32 (batch, tokens).

    Returns:
        float (batch, markers · size).

    Example:
        >>> hidden = keras.ops.array([[[1.0], [3.0], [9.0]]])
        >>> MarkerPooling([7, 8])(hidden, keras.ops.array([[5, 8, 7]])).numpy().tolist()
        [[9.0, 3.0]]

    References:
        Baldini Soares et al. 2019, arXiv:1906.03158, section 3.2: entity markers, entity start.
    """

    def __init__(self, token_ids: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not token_ids:
            raise ValueError("token_ids: at least one token is needed")
        self.token_ids = [int(token_id) for token_id in token_ids]

    def call(self, sequence_output: Any, token_ids: Any) -> Any:
        places = [ops.argmax(ops.cast(token_ids == token_id, "int32"), axis=1) for token_id in self.token_ids]
        places = ops.expand_dims(ops.stack(places, axis=1), -1)  # (batch, markers, 1)
        taken = ops.take_along_axis(sequence_output, places, axis=1)
        return ops.reshape(taken, (-1, len(self.token_ids) * sequence_output.shape[-1]))

    def compute_output_shape(self, sequence_output_shape: Any, token_ids_shape: Any) -> Any:
        batch, _, size = sequence_output_shape
        return (batch, len(self.token_ids) * size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "token_ids": self.token_ids}
