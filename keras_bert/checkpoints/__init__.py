"""Weights in and out: Google TF1, Model Garden TF2, Hugging Face and KerasHub in; Hugging Face out."""

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.convert import convert
from keras_bert.checkpoints.google import read_google
from keras_bert.checkpoints.hierarchical_positions import longer_positions
from keras_bert.checkpoints.hugging_face import read_hugging_face
from keras_bert.checkpoints.keras_hub import read_keras_hub
from keras_bert.checkpoints.mapping import (
    Weight,
    dense_weights,
    encoder_weights,
    load_weights,
    norm_weights,
    variable_weight,
)
from keras_bert.checkpoints.model_garden import read_model_garden
from keras_bert.checkpoints.new_vocabulary import replace_vocabulary
from keras_bert.checkpoints.nothing import without_weights
from keras_bert.checkpoints.parts import describe, open_encoder, open_preprocessor
from keras_bert.checkpoints.presets import open_checkpoint, resolve
from keras_bert.checkpoints.report import ConvertReport, LoadReport
from keras_bert.checkpoints.save import save_hugging_face
from keras_bert.checkpoints.tokenizer_files import open_tokenizer
from keras_bert.checkpoints.up_to_layer import up_to_layer

__all__ = [
    "Checkpoint",
    "ConvertReport",
    "LoadReport",
    "Weight",
    "convert",
    "dense_weights",
    "describe",
    "encoder_weights",
    "load_weights",
    "longer_positions",
    "norm_weights",
    "open_checkpoint",
    "open_encoder",
    "open_preprocessor",
    "open_tokenizer",
    "read_google",
    "read_hugging_face",
    "read_keras_hub",
    "read_model_garden",
    "replace_vocabulary",
    "resolve",
    "save_hugging_face",
    "up_to_layer",
    "variable_weight",
    "without_weights",
]
