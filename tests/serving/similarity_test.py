"""Similarities against the plain formulas, in blocks and row by row."""

import numpy as np
import pytest

from keras_bert.serving import similarity as module
from keras_bert.serving.similarity import SIMILARITIES, pair_similarity, similarity

RNG = np.random.default_rng(0)
QUERIES, DOCUMENTS = RNG.normal(size=(4, 6)), RNG.normal(size=(9, 6))
PLAIN = {
    "cosine": lambda a, b: a @ b / np.linalg.norm(a) / np.linalg.norm(b),
    "dot": lambda a, b: a @ b,
    "euclidean": lambda a, b: -np.sqrt(((a - b) ** 2).sum()),
    "manhattan": lambda a, b: -np.abs(a - b).sum(),
}


@pytest.mark.parametrize("name", SIMILARITIES)
def test_they_are_the_formulas(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_MOST_NUMBERS", 12)
    expected = [[PLAIN[name](query, document) for document in DOCUMENTS] for query in QUERIES]
    found = similarity(name)(QUERIES, DOCUMENTS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(pair_similarity(name, QUERIES, DOCUMENTS[:4]), np.diag(expected), atol=1e-5)


def test_a_vector_is_at_no_distance_from_itself():
    far = 100 + QUERIES
    assert np.abs(np.diag(similarity("euclidean")(far, far))).max() < 1e-4
    assert (np.diag(similarity("manhattan")(far, far)) == 0).all()
