"""The word embeddings as a tensor, for a head that shares them."""

import types
from typing import Any

import keras
from keras import ops

from keras_bert.layers.bert_embeddings import BertEmbeddings
from keras_bert.layers.checked_layer import CheckedLayer


@keras.saving.register_keras_serializable(package="keras_bert")
class WordTable(CheckedLayer):
    """Gives the word table of an embeddings layer, gradients included.

    It has no weights: the table stays the embeddings'. A model that is saved by its graph gets a table of its own
    when it is loaded, so make this layer anew from the model's embeddings, as `BertPretrainer` does.

    Args:
        embeddings: The layer whose table it is.
        **kwargs: Those of `keras.layers.Layer`.

    Call arguments:
        token_ids: int32 (batch, tokens); only ties the table to the graph of a functional model.

    Returns:
        float (vocabulary, size).

    Example:
        >>> embeddings = BertEmbeddings(30, 4)
        >>> ids = keras.ops.ones((1, 5), "int32")
        >>> _ = embeddings(ids, 0 * ids)
        >>> tuple(WordTable(embeddings)(ids).shape)
        (30, 4)
    """

    def __init__(self, embeddings: BertEmbeddings, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # In a namespace, where Keras does not find it: the weights are saved once, with the encoder.
        self._source = types.SimpleNamespace(embeddings=embeddings)

    def call(self, token_ids: Any) -> Any:
        return ops.cast(self._source.embeddings.word_embeddings, self.compute_dtype)

    def compute_output_shape(self, token_ids_shape: Any) -> Any:
        return (self._source.embeddings.vocabulary_size, self._source.embeddings.hidden_size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "embeddings": keras.saving.serialize_keras_object(self._source.embeddings)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WordTable":
        return cls(**{**config, "embeddings": keras.saving.deserialize_keras_object(config["embeddings"])})
