"""Scores of tokens from their sums, and of texts with all their references."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks.generation.scores import TextScoring, row_sums, text_scores, texts_of, token_scores
from tests.tasks.tiny_sequences import writer


def test_scores_of_tokens_are_means_over_all_of_them():
    log = np.log([0.5, 0.25, 0.25])
    batches = [
        ({}, tf.constant([[0, 1]]), tf.constant([[1.0, 1.0]])),
        ({}, tf.constant([[2, 0]]), tf.constant([[1.0, 0.0]])),
    ]
    logits = tf.constant([[log, log]], tf.float32)
    scores = token_scores(batches, lambda _, targets, weights: row_sums(logits, targets, weights))
    assert scores["loss"] == pytest.approx(-np.mean(log))
    assert scores["perplexity"] == pytest.approx(32 ** (1 / 3))
    assert scores["token_accuracy"] == pytest.approx(1 / 3)
    with pytest.raises(InputError, match="there are no rows to evaluate"):
        token_scores([], row_sums)


def test_texts_are_compared_with_all_their_references():
    pytest.importorskip("sacrebleu", reason="needs the generate extra")
    table = {"text": ["a", "b"], "target": ["x", "Y y"], "references": tf.ragged.constant([["x", "z"], ["Y y"]])}
    dataset = tf.data.Dataset.from_tensor_slices(table)
    assert texts_of(dataset) == (["a", "b"], [["x", "z"], ["Y y"]])

    def answer(texts: list[str]) -> list[dict]:
        return [{"text": {"a": "z", "b": "y y"}[text]} for text in texts]

    assert text_scores(answer, dataset, TextScoring(), lowercase=False)["exact_match"] == 0.5
    assert text_scores(answer, dataset, TextScoring(), lowercase=True)["exact_match"] == 1
    assert text_scores(answer, dataset, TextScoring(lowercase=False), lowercase=True)["exact_match"] == 0.5


def test_a_model_is_scored_by_texts_when_asked():
    model = writer()
    assert (model.text_scoring, model.monitor) == (None, "token_accuracy")
    model.text_scoring = TextScoring()
    assert model.monitor == "bleu"
