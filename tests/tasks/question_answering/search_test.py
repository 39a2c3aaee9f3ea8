"""The search over windows in parts, and the choice between a span and no answer."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.tasks.question_answering import search as answer_search
from keras_bert.tasks.question_answering.search import choose, search
from keras_bert.tasks.question_answering.spans import IMPOSSIBLE, row_spans, window_spans
from tests.tasks.question_answering.spans_test import CONTEXTS, random_logits, windows


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_windows_that_go_one_after_the_other_have_the_spans_of_all_together(monkeypatch, at_once):
    monkeypatch.setattr(answer_search, "WINDOWS_AT_ONCE", at_once)
    asked = windows()
    every = random_logits(asked)
    tokens = asked.inputs["token_ids"].to_tensor().numpy()
    seen = []

    def logits(inputs):
        ids = inputs["token_ids"].to_tensor(shape=[None, every.shape[-1]]).numpy()
        seen.append(len(ids))
        first = next(
            index for index in range(len(tokens)) if (tokens[index] == ids[0]).all() and index >= sum(seen[:-1])
        )
        return tf.constant(every[first : first + len(ids)])

    positions = tf.zeros([len(tokens), 2], tf.int32)
    found = search(asked, len(CONTEXTS), logits, 4, positions)
    assert max(seen) <= at_once
    assert sum(seen) == len(tokens)
    expected = row_spans(
        window_spans(tf.constant(every), asked, 0, 4, answer_search.N_BEST), asked.windows.row, len(CONTEXTS)
    )
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-5)
    log_probabilities = every - np.log(np.exp(every).sum(axis=-1, keepdims=True))
    np.testing.assert_allclose(found["loss"], -log_probabilities[:, :, 0].mean(axis=1), atol=1e-5)


def spans(no_answer):
    """Two spans, of probability 0.4 and 0.1, and room for one more; and none at all."""
    score = np.array([[np.log(0.4), np.log(0.1), IMPOSSIBLE], [IMPOSSIBLE] * 3], "float32")
    return {
        "score": tf.constant(score),
        "start": tf.constant([[4, 0, 9], [0, 0, 0]]),
        "end": tf.constant([[8, 3, 9], [0, 0, 0]]),
        "no_answer": tf.math.log(tf.constant([no_answer, 1.0])),
    }


def test_the_likeliest_span_is_answered_below_the_threshold():
    context = tf.constant(["the city", "  "])
    answers = {name: values.numpy() for name, values in choose(context, spans(0.1), 0.0).items()}
    assert answers["answer"].tolist() == [b"city", b""]
    assert (answers["start"].tolist(), answers["end"].tolist()) == ([4, 0], [8, 0])
    np.testing.assert_allclose(answers["no_answer_score"], [0.1 / (0.1 + 0.4), 1.0], rtol=1e-5)
    np.testing.assert_allclose(answers["score"], [0.4, 1.0], rtol=1e-5)
    assert answers["answers"].tolist() == [[b"city", b"the", b""], [b"", b"", b""]]
    np.testing.assert_allclose(answers["scores"], [[0.4, 0.1, 0], [0, 0, 0]], rtol=1e-5)
    assert answers["count"].tolist() == [2, 0]


def test_above_the_threshold_there_is_no_answer_but_the_spans_are_told():
    below = np.log(0.19 / 0.81)
    answers = {
        name: values.numpy() for name, values in choose(tf.constant(["the city", ""]), spans(0.1), below).items()
    }
    assert answers["answer"].tolist() == [b"", b""]
    assert (answers["start"].tolist(), answers["end"].tolist()) == ([0, 0], [0, 0])
    np.testing.assert_allclose(answers["score"], [0.1, 1.0], rtol=1e-5)
    assert answers["answers"][0].tolist() == [b"city", b"the", b""]
