"""Entities of labelled words: worked out by hand."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.data.tags.tag_schemes import entity_labels
from keras_bert.tasks.tagging.entities import entities_of, in_characters

LABELS = entity_labels(["LOC", "PER"])
TEXTS = ["Zoë B. à 北京", "", "x y"]
STARTS = [0, 5, 6, 8, 11, 14, 0, 2]
ENDS = [4, 6, 7, 10, 14, 17, 1, 3]
ROWS = [0, 0, 0, 0, 0, 0, 2, 2]


def entities(tags: list[str], labels: list[str] = LABELS, scheme: str = "IOB2") -> dict[str, np.ndarray]:
    numbers = tf.constant([labels.index(tag) for tag in tags], tf.int32)
    scores = tf.constant(np.arange(1, 9) / 10, tf.float32)
    spans = (tf.constant(values, tf.int64) for values in (ROWS, STARTS, ENDS))
    found = entities_of(tf.constant(TEXTS), numbers, scores, *spans, labels, scheme)
    return {name: tensor.numpy() for name, tensor in found.items()}


def test_words_become_entities():
    found = entities(["B-PER", "I-PER", "I-PER", "O", "B-LOC", "I-LOC", "O", "B-LOC"])
    assert found["count"].tolist() == [2, 0, 1]
    assert [[text.decode() for text in row] for row in found["text"]] == [["Zoë B.", "北京"], ["", ""], ["y", ""]]
    assert found["label"].tolist() == [[b"PER", b"LOC"], [b"", b""], [b"LOC", b""]]
    assert (found["start"].tolist(), found["end"].tolist()) == ([[0, 11], [0, 0], [2, 0]], [[7, 17], [0, 0], [3, 0]])
    np.testing.assert_allclose(found["score"], [[0.2, 0.55], [0, 0], [0.8, 0]], atol=1e-6)


def test_neighbours_and_texts_are_kept_apart():
    found = entities(["B-PER", "B-PER", "I-PER", "O", "O", "B-LOC", "I-LOC", "O"])
    assert found["count"].tolist() == [3, 0, 1]
    assert found["text"][0].tolist() == ["Zoë".encode(), b"B.", "京".encode()]
    assert found["text"][2, 0] == b"x", "an entity does not go on from the text before"


def test_other_schemes():
    labels = ["O", "B-X", "I-X", "E-X", "S-X"]
    found = entities(["S-X", "B-X", "E-X", "O", "B-X", "E-X", "S-X", "S-X"], labels, "BIOES")
    assert found["count"].tolist() == [3, 0, 2]
    iob1 = ["O", "I-X", "B-X"]
    assert entities(["I-X", "B-X", "I-X", "O", "I-X", "O", "O", "O"], iob1, "IOB1")["count"].tolist() == [3, 0, 0]


def test_with_plain_labels_every_word_is_one():
    found = entities(["N", "N", "V", "N", "V", "V", "N", "N"], ["N", "V"], "plain")
    assert found["count"].tolist() == [6, 0, 2]
    assert found["label"][2].tolist() == [b"N", b"N", b"", b"", b"", b""]


@pytest.mark.parametrize("tags", [["O"] * 8])
def test_nothing_found(tags: list[str]):
    found = entities(tags)
    assert found["count"].tolist() == [0, 0, 0]
    assert found["text"].shape == (3, 0)


def test_places_in_characters():
    entity = {"label": b"LOC", "start": 5, "end": 9, "score": 0.5}
    text = "né 😀"
    (found,) = in_characters(text, [{**entity, "start": 4, "end": 8}])
    assert found == {"label": "LOC", "start": 3, "end": 4, "score": 0.5, "text": "😀"}
    assert in_characters({"text": text}, [{**entity, "start": 4, "end": 8}]) == [found]
    (found,) = in_characters(b"\xff ab", [{**entity, "start": 0, "end": 3}])
    assert (found["text"], found["start"], found["end"]) == ("\ufffd a", 0, 3)
    assert in_characters("a", []) == []
