"""Pairs scored by a classifier's probability of a class, and by a regressor's number."""

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.retrieval.searching.rerank import pair_scores
from tests.tasks import tiny

PAIRS = list(zip(tiny.TEXTS, tiny.PAIRS, strict=True))


def test_a_classifier_gives_the_probability_of_a_class():
    model = tiny.classifier(text_pair=True)
    answers = model.answer(PAIRS, scores=True)
    for label, name in ((None, "positive"), ("neutral", "neutral")):
        expected = [answer["scores"][name] for answer in answers]
        np.testing.assert_allclose(pair_scores(model, PAIRS, label), expected, atol=1e-6)


def test_a_regressor_gives_its_number():
    model = tiny.regressor(text_pair=True)
    expected = [answer["score"] for answer in model.answer(PAIRS)]
    np.testing.assert_allclose(pair_scores(model, PAIRS, batch_size=3), expected, atol=1e-5)
    with pytest.raises(InputError, match="no class 'yes'; its classes: none, it gives a number"):
        pair_scores(model, PAIRS, "yes")


def test_other_models_are_refused():
    with pytest.raises(InputError, match="a model of pairs"):
        pair_scores(tiny.classifier(), PAIRS)
    with pytest.raises(InputError, match="no class 'yes'; its classes: negative, neutral, positive"):
        pair_scores(tiny.classifier(text_pair=True), PAIRS, "yes")
    with pytest.raises(InputError, match="reranker is a BertEmbedder"):
        pair_scores(tiny.embedder(), PAIRS)
