"""Token classification with a byte-level vocabulary, where a token may be a part of a character."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.tasks import BertTokenClassifier
from keras_bert.text.preprocessor import BertPreprocessor
from tests.tasks import tiny
from tests.tasks.tiny_tags import LABELS, tagger
from tests.text.byte_level import byte_level


def byte_tagger(labels: Any = LABELS, **options: Any) -> BertTokenClassifier:
    tokenizer = byte_level("good", "film", "bread", **options)
    config = tiny.config(vocab_size=tokenizer.vocabulary_size)
    return tagger(labels, config=config, preprocessor=BertPreprocessor(tokenizer, max_length=24))


@pytest.fixture(scope="module")
def words() -> BertTokenClassifier:
    """Labels every word."""
    return byte_tagger(["ADJ", "NOUN"])


@pytest.mark.parametrize("first", ["\x0cgood", "\x0c", " \x0c\n good", "\u200bgood", "\x85good", "\u0301", ""])
def test_no_text_damages_its_neighbour(words: BertTokenClassifier, first: str):
    texts = ["bread film", first, "film"]
    together = [[entity["text"] for entity in row] for row in words.answer(texts)]
    assert together == [["bread", "film"], ["good"] if "good" in first else [], ["film"]]
    assert together == [[entity["text"] for entity in words.answer([text])[0]] for text in texts]


def test_words_are_those_of_the_characters(words: BertTokenClassifier):
    texts = ["北京上海", "in “Vienna”, 1990–1995", "€100.", "e\u0301te\u0301 x"]
    found = [[entity["text"] for entity in row] for row in words.answer(texts)]
    assert found == [
        ["北", "京", "上", "海"],
        ["in", "“", "Vienna", "”", ",", "1990", "–", "1995"],
        ["€", "100", "."],
        ["e\u0301te\u0301", "x"],
    ]


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("北京上海", ["北", "京", "上", "海"]),
        ("“Vienna” 1990–1995", ["“", "Vienna", "”", "1990", "–", "1995"]),
        ("\x0cgood film", ["good", "film"]),
    ],
)
def test_every_given_word_is_learned(text: str, given: list[str]):
    task = byte_tagger()
    starts = [len(text[: text.index(word)].encode()) for word in given]
    ends = [start + len(word.encode()) for start, word in zip(starts, given, strict=True)]
    rows = {
        "text": tf.constant([text]),
        "starts": tf.constant([starts], tf.int64),
        "ends": tf.constant([ends], tf.int64),
        "label": tf.constant([["B-GOOD", *["O"] * (len(given) - 1)]]),
    }
    _, targets, weights = task.features(rows)
    counted = targets.flat_values.numpy()[weights.flat_values.numpy() > 0]
    assert [task.labels[label] for label in counted] == rows["label"].numpy()[0].astype(str).tolist()
    predicted, wanted = task.predict_rows(tf.data.Dataset.from_tensor_slices(rows))
    assert len(predicted[0]) == len(wanted[0]) == len(given)
    assert np.isfinite(task.evaluate_rows(tf.data.Dataset.from_tensor_slices(rows))["loss"])
