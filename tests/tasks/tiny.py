"""Tiny tasks with random weights, and rows for them; tests of several rooms, and their subprocesses, use these."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_bert.config import BertConfig
from keras_bert.encoder import BertEncoder
from keras_bert.tasks import BertClassifier, BertEmbedder, BertPretrainer, BertRegressor, BertTask
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.layer_test_case import randomize

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
NOUNS = ["film", "food", "book", "##s", "##er"]
ADJECTIVES = ["good", "bad", "plain", "dull", "fine", "warm", "cold"]
OTHERS = ["the", "a", "is", "was", "very", "not", "and", "or", "but", "so", "##ly"]
VOCABULARY = [*SPECIAL, *ADJECTIVES, *NOUNS, *OTHERS]

TEXTS = [
    "good film",
    "the film was bad",
    "very good food and warm",
    "the food is cold but fine",
    "a plain dull book",
    "book",
    "not a good book",
    "the film is very very very good and the food was warm so it is not so bad",
]
LABELS = ["positive", "negative", "positive", "neutral", "negative", "neutral", "negative", "positive"]
PAIRS = ["fine film", "good", "cold food", "food", "dull books", "films and books", "bad book", "very good"]


def config(**changes: Any) -> BertConfig:
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    fields = {"vocab_size": len(VOCABULARY), "max_position_embeddings": 32, "hidden_act": "gelu", **sizes}
    return BertConfig(**{**fields, **changes})


def without_dropout() -> BertConfig:
    """For training, with one layer, since it is the compiling of a training step that takes the time."""
    return config(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, num_hidden_layers=1)


def preprocessor(max_length: int = 24, **options: Any) -> BertPreprocessor:
    return BertPreprocessor(BertTokenizer(VOCABULARY), max_length=max_length, **options)


def make(cls: type[BertTask], *arguments: Any, seed: int = 0, dtype: Any = None, **options: Any) -> Any:
    """Makes a task with weights from `seed` that are large enough for the answers to differ."""
    keras.utils.set_random_seed(seed)
    architecture = options.pop("config", None) or config()
    pooler = options.get("pooling", "pooler") == "pooler" and options.get("next_sentence", True)
    encoder = BertEncoder(architecture, use_pooler=pooler, dtype=dtype)
    task = cls(encoder, options.pop("preprocessor", None) or preprocessor(), *arguments, **options)
    randomize(task, seed, 0.2)
    return task


def classifier(labels: Sequence[str] = ("negative", "neutral", "positive"), **options: Any) -> BertClassifier:
    return make(BertClassifier, labels, **options)


def regressor(**options: Any) -> BertRegressor:
    return make(BertRegressor, **options)


def embedder(pooling: str = "mean", **options: Any) -> BertEmbedder:
    return make(BertEmbedder, pooling=pooling, **options)


def pretrainer(**options: Any) -> BertPretrainer:
    return make(BertPretrainer, **options)


def pretraining_examples(count: int = 24, seed: int = 0, longest: int = 20) -> tf.data.Dataset:
    """Pairs of random tokens, as the builder of pre-training data makes them: the second half where b follows a."""
    rng = np.random.default_rng(seed)
    first_token, last_token, cls, sep = len(SPECIAL), len(VOCABULARY), 2, 3

    def examples() -> Iterator[dict[str, Any]]:
        for index in range(count):
            first, second = rng.integers(2, (longest - 3) // 2 + 1, 2)
            a, b = (rng.integers(first_token, last_token, size) for size in (first, second))
            ids = np.concatenate([[cls], a, [sep], b, [sep]]).astype("int32")
            yield {
                "token_ids": ids,
                "first_length": np.int32(first + 2),
                "next_sentence_label": np.int32(2 * index < count),
            }

    rows = list(examples())
    spec = {name: tf.TensorSpec([None] if name == "token_ids" else [], tf.int32) for name in rows[0]}
    dataset = tf.data.Dataset.from_generator(lambda: iter(rows), output_signature=spec)
    return dataset.apply(tf.data.experimental.assert_cardinality(count))


def dataset(label: Any = None, pairs: Sequence[str] | None = None, texts: Sequence[str] = TEXTS) -> tf.data.Dataset:
    columns: dict[str, Any] = {"text": list(texts)}
    if pairs is not None:
        columns["text_pair"] = list(pairs)
    if label is not None:
        columns["label"] = tf.ragged.constant(label) if isinstance(label[0], list) else label
    return tf.data.Dataset.from_tensor_slices(columns)
