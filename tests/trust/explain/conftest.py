"""A small classifier to explain, and what asks it."""

import pytest

from keras_bert.tasks import BertClassifier
from keras_bert.trust.explain.scorer import Scorer
from tests.tasks import tiny


@pytest.fixture(scope="module")
def model() -> BertClassifier:
    return tiny.classifier()


@pytest.fixture(scope="module")
def scorer(model: BertClassifier) -> Scorer:
    return Scorer(model)
