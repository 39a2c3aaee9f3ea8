"""The truth: scores worked out by hand."""

import math

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.tasks.pretraining.scores import PretrainingSums

HALF = math.log(2)


def logits(*right):
    """Two classes, the first right where 1: logits of 0 and ln 3 give 3/4 to the second."""
    return np.array([[[math.log(3), 0.0] if item else [0.0, math.log(3)] for item in right]])


def test_each_prediction_counts_once():
    sums = PretrainingSums()
    for right, weights in (((1, 0, 0), (1, 1, 1)), ((1, 1, 0), (1, 0, 0))):
        sums.add(
            {"masked_lm": logits(*right), "next_sentence": np.zeros((1, 2))},
            {"masked_lm": np.zeros((1, 3), int), "next_sentence": [0]},
            {"masked_lm": np.array([weights], "float32"), "next_sentence": [1.0]},
        )
    scores = sums.scores()
    loss = -(2 * math.log(0.75) + 2 * math.log(0.25)) / 4
    assert scores == pytest.approx(
        {
            "loss": loss + HALF,
            "masked_lm_loss": loss,
            "masked_lm_accuracy": 0.5,
            "perplexity": math.exp(loss),
            "next_sentence_loss": HALF,
            "next_sentence_accuracy": 1.0,  # the first of two equal ones
            "unigram_accuracy": 1.0,
        }
    )


def test_the_unigram_baseline_is_over_all_batches():
    sums = PretrainingSums()
    for labels in ([7, 7, 2, 0], [2, 2, 9, 0]):
        sums.add({}, {"masked_lm": [labels]}, {"masked_lm": [[1.0, 1.0, 1.0, 0.0]]})
    assert sums.unigram_accuracy() == 3 / 6


def test_nothing_to_score():
    with pytest.raises(InputError, match="no examples"):
        PretrainingSums().scores()
    sums = PretrainingSums()
    sums.add({"masked_lm": logits(1)}, {"masked_lm": [[0]]}, {"masked_lm": [[0.0]]})
    with pytest.raises(InputError, match="no prediction to score for masked_lm"):
        sums.scores()
    with pytest.raises(InputError, match="no predicted token"):
        sums.unigram_accuracy()
