"""Constrained decoding: against trying every sequence of labels."""

import itertools
import time

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.data.tags.tag_schemes import allowed_transitions, entity_labels
from keras_bert.text import tag_decoding
from keras_bert.text.tag_decoding import best_path
from tests.forked_process import run_python


def by_trying(scores: np.ndarray, allowed: np.ndarray) -> tuple[int, ...]:
    labels = len(allowed) - 1
    best, best_score = (), -np.inf
    for path in itertools.product(range(labels), repeat=len(scores)):
        framed = [labels, *path, labels]
        score = sum(scores[word, label] for word, label in enumerate(path))
        if score > best_score and all(allowed[pair] for pair in itertools.pairwise(framed)):
            best, best_score = path, score
    return best


@pytest.mark.parametrize("in_graph", [False, True])
@pytest.mark.parametrize("scheme", ["IOB2", "BIOES"])
def test_the_best_allowed_sequence(scheme: str, in_graph: bool):
    labels = entity_labels(["X"]) if scheme == "IOB2" else ["O", "B-X", "I-X", "E-X", "S-X"]
    allowed = allowed_transitions(labels, scheme)
    rng = np.random.default_rng(0)
    lengths = [4, 0, 1, 5, 3, 2, 5, 0]
    values = rng.normal(0, 2, (sum(lengths), len(labels))).astype("float32")
    scores = tf.RaggedTensor.from_row_lengths(values, lengths)
    decode = (tf.function if in_graph else lambda function: function)(lambda scores: best_path(scores, allowed))
    path = tf.RaggedTensor.from_row_lengths(decode(scores), lengths).to_list()
    rows = np.split(values, np.cumsum(lengths)[:-1])
    assert [tuple(row) for row in path] == [by_trying(row, allowed) for row in rows]
    greedy = [tuple(row.argmax(1)) for row in rows]
    assert sum(found != first for found, first in zip(map(tuple, path), greedy, strict=True)) > 2, "rules must bite"


def test_without_rules_each_word_is_by_itself():
    values = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    scores = tf.RaggedTensor.from_row_lengths(values, [2, 4])
    assert best_path(scores, np.ones((4, 4), bool)).numpy().tolist() == values.argmax(1).tolist()


def test_no_words():
    allowed = allowed_transitions(entity_labels(["X"]), "IOB2")
    scores = tf.RaggedTensor.from_row_lengths(tf.zeros([0, 3]), [0, 0])
    assert best_path(scores, allowed).shape == (0,)


def one_after_the_other(scores: np.ndarray, allowed: np.ndarray) -> list[int]:
    """Viterbi as it is written in books, in 64 bits."""
    cost = np.where(allowed, 0.0, -np.inf)
    total, origins = cost[-1, :-1] + scores[0], []
    for word in scores[1:].astype("float64"):
        paths = total[:, None] + cost[:-1, :-1]
        origins.append(paths.argmax(0))
        total = paths.max(0) + word
    path = [int((total + cost[:-1, -1]).argmax())]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    return path[::-1]


@pytest.mark.parametrize("scheme", ["IOB2", "BIOES"])
def test_stretches_side_by_side_are_the_same_as_one_after_the_other(scheme: str):
    types = ["X", "Y", "Z"]
    labels = entity_labels(types) if scheme == "IOB2" else ["O", *(f"{a}-{b}" for b in types for a in "BIES")]
    allowed = allowed_transitions(labels, scheme)
    lengths = [700, 3, 1025, 1]
    values = np.random.default_rng(1).normal(0, 2, (sum(lengths), len(labels))).astype("float32")
    decode = tf.function(lambda scores: best_path(scores, allowed))
    found = decode(tf.RaggedTensor.from_row_lengths(values, lengths)).numpy()
    expected = [one_after_the_other(row, allowed) for row in np.split(values, np.cumsum(lengths)[:-1])]
    assert found.tolist() == list(itertools.chain.from_iterable(expected))
    assert (found != values.argmax(1)).mean() > 0.1


def test_a_book_is_decoded_in_seconds():
    """100,000 words of which every second breaks a rule: one after the other they take over 3 s on an idle core."""
    values = np.random.default_rng(2).normal(0, 2, (100_000, 9)).astype("float32")
    allowed = allowed_transitions(entity_labels(["A", "B", "C", "D"]), "IOB2")
    decode = tf.function(lambda scores: best_path(scores, allowed))
    scores = tf.RaggedTensor.from_row_lengths(values, [100_000])
    decode(scores)
    start = time.process_time()
    found = decode(scores).numpy()
    assert time.process_time() - start < 2
    assert all(allowed[pair] for pair in itertools.pairwise([9, *found, 9]))


# 30,000 rows of 3 words and one of 30,000, all of which break a rule: side by side with padding they were 32 GB.
MEMORY = """
import resource
import numpy as np
import tensorflow as tf
from keras_bert.data.tags.tag_schemes import allowed_transitions, entity_labels
from keras_bert.text.tag_decoding import best_path

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

allowed = allowed_transitions(entity_labels(["A", "B", "C", "D"]), "IOB2")
decode = tf.function(lambda scores: best_path(scores, allowed), reduce_retracing=True)
def scores(lengths):
    values = np.tile(np.linspace(-1, 1, 9, dtype="float32"), (sum(lengths), 1))  # the last label, I-D, never begins
    return tf.RaggedTensor.from_row_lengths(values, lengths)
decode(scores([3, 2]))
given = scores([3] * 15_000 + [30_000] + [3] * 15_000)
start = peak()
found = decode(given).numpy()
assert found[:3].tolist() == found[-3:].tolist() == found[45_000:45_003].tolist() == [7, 8, 8]
assert (found[45_003:75_000] == 8).all()
print(peak() - start)
"""


def test_memory_of_the_search_grows_with_the_words():
    assert float(run_python(MEMORY)) < 600


def test_rows_searched_in_several_parts_are_the_same_as_in_one(monkeypatch: pytest.MonkeyPatch):
    allowed = allowed_transitions(entity_labels(["X", "Y"]), "IOB2")
    lengths = [5, 1, 9, 3, 3, 0, 12, 2, 7]
    values = np.random.default_rng(3).normal(0, 2, (sum(lengths), 5)).astype("float32")
    scores = tf.RaggedTensor.from_row_lengths(values, lengths)
    expected = best_path(scores, allowed).numpy()
    assert (expected != values.argmax(1)).any()
    for at_once in (1, 20):
        monkeypatch.setattr(tag_decoding, "_AT_ONCE", at_once)
        np.testing.assert_array_equal(tf.function(lambda: best_path(scores, allowed))(), expected)
