"""Windows of texts as rows of their own, as an encoder takes them."""

from typing import Any

import keras
from keras import ops

from keras_bert.layers.checked_layer import CheckedLayer


@keras.saving.register_keras_serializable(package="keras_bert")
class FlattenWindows(CheckedLayer):
    """Makes rows of windows.

    Call arguments:
        inputs: int32 (batch, windows, tokens).

    Returns:
        int32 (batch · windows, tokens).

    Example:
        >>> FlattenWindows()(keras.ops.ones((2, 3, 4), "int32")).shape.as_list()
        [6, 4]
    """

    def call(self, inputs: Any) -> Any:
        return ops.reshape(inputs, (-1, ops.shape(inputs)[2]))

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        return (None, inputs_shape[2])
