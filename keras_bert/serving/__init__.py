"""From a model to a folder that a server reads: SavedModel and model card. Knows functions, not tasks."""

from keras_bert.serving.frozen import frozen
from keras_bert.serving.model_card import model_card
from keras_bert.serving.saved_model import write_saved_model
from keras_bert.serving.signature import Signature
from keras_bert.serving.vector_index import VectorIndex

__all__ = ["Signature", "VectorIndex", "frozen", "model_card", "write_saved_model"]
