"""From a model to a folder that a server reads: SavedModel and model card. Knows functions, not tasks."""

from keras_bert.serving.model_card import model_card
from keras_bert.serving.saved_model import Signature, write_saved_model

__all__ = ["Signature", "model_card", "write_saved_model"]
