"""The similarity is the cosine of the vectors."""

import numpy as np
import pytest

from keras_bert.app.faces.embedder import EmbedderFace
from tests.app.models import every_model


def test_the_similarity_of_two_texts_is_the_cosine():
    model = every_model()["embedder"]
    (value,) = EmbedderFace(model, None).answer({"text": "good film", "text_pair": "bad food"})
    first, second = model.embed(["good film", "bad food"])
    assert value == pytest.approx(
        float(np.dot(first, second) / np.linalg.norm(first) / np.linalg.norm(second)), abs=1e-6
    )
