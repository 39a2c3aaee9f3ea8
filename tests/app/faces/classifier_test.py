"""The bars are the probabilities of the classes."""

import pytest

from keras_bert.app.faces.classifier import ClassifierFace
from tests.app.models import every_model


def test_bars_of_classes():
    model = every_model()["classifier"]
    (bars,) = ClassifierFace(model, None).answer({"text": "good film"})
    assert bars == model.answer(["good film"], scores=True)[0]["scores"]
    assert sum(bars.values()) == pytest.approx(1, abs=1e-6)
