"""Tiny token classifiers, and rows with tagged words for them."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_bert.data.tags.tag_schemes import entity_labels
from keras_bert.encoder import BertEncoder
from keras_bert.tasks import BertTokenClassifier
from tests.layer_test_case import randomize
from tests.tasks import tiny

LABELS = entity_labels(["BAD", "GOOD"])


def tag_of(word: str, before: str) -> str:
    """A good or bad word begins an entity, what follows it is inside."""
    kinds = {"good": "GOOD", "fine": "GOOD", "warm": "GOOD", "bad": "BAD", "cold": "BAD", "dull": "BAD"}
    if word in kinds:
        return f"B-{kinds[word]}"
    return f"I-{kinds[before]}" if before in kinds and word in ("film", "food", "book") else "O"


def rows(texts: Sequence[str] = tiny.TEXTS, documents: Sequence[int] | None = None) -> tf.data.Dataset:
    """Rows as `read_tags` gives them."""
    columns: dict[str, list] = {"text": [], "starts": [], "ends": [], "label": []}
    for text in texts:
        words = text.split()
        ends = np.cumsum([len(word.encode()) + 1 for word in words]) - 1
        columns["text"].append(text)
        columns["starts"].append([end - len(word.encode()) for end, word in zip(ends, words, strict=True)])
        columns["ends"].append(ends.tolist())
        columns["label"].append([tag_of(*pair) for pair in zip(words, ["", *words], strict=False)])
    parts: dict[str, Any] = {
        "text": tf.constant(columns["text"]),
        "starts": tf.ragged.constant(columns["starts"], tf.int64),
        "ends": tf.ragged.constant(columns["ends"], tf.int64),
        "label": tf.ragged.constant(columns["label"]),
        "document": tf.constant(list(documents or range(len(texts))), tf.int64),
    }
    dataset = tf.data.Dataset.from_tensor_slices(parts)
    return dataset.map(lambda row: {name: tf.convert_to_tensor(value) for name, value in row.items()})


def tagger(
    labels: Sequence[str] = LABELS, seed: int = 0, dtype: Any = None, max_length: int = 24, **options: Any
) -> BertTokenClassifier:
    """Makes a token classifier with weights from `seed`, large enough for the labels to differ."""
    keras.utils.set_random_seed(seed)
    encoder = BertEncoder(options.pop("config", None) or tiny.config(), use_pooler=False, dtype=dtype)
    preprocessor = options.pop("preprocessor", None) or tiny.preprocessor(max_length)
    task = BertTokenClassifier(encoder, preprocessor, labels, **options)
    randomize(task, seed, 0.2)
    return task
