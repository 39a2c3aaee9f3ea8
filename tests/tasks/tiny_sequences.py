"""Tiny models that write, and rows with a text and a target for them."""

from typing import Any

import keras
import tensorflow as tf

from keras_bert.encoder import BertEncoder
from keras_bert.tasks.generation.seq2seq import BertSeq2Seq
from tests.layer_test_case import randomize
from tests.tasks import tiny

TARGETS = ["bad film", "the film is good", "cold and bad", "book", "a warm book", "film or food", "fine", "not bad"]


def writer(mask: str = "prefix", seed: int = 0, config: Any = None, dtype: Any = None, **options: Any) -> BertSeq2Seq:
    """A model with weights that are large enough for the words to differ."""
    keras.utils.set_random_seed(seed)
    encoder = BertEncoder(config or tiny.config(), use_pooler=False, attention=mask, dtype=dtype)
    options = {"max_target_length": 8, "generation": {"num_beams": 3}, **options}
    model = BertSeq2Seq(encoder, options.pop("preprocessor", None) or tiny.preprocessor(20), **options)
    randomize(model, seed, 0.2)
    return model


def rows(count: int = len(TARGETS)) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices({"text": tiny.TEXTS[:count], "target": TARGETS[:count]})
