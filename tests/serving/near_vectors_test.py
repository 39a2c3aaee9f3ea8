"""Rows of vectors, changed: as if they were made anew, against all compared."""

from pathlib import Path

import numpy as np
import pytest

from keras_bert.serving import near_vectors
from keras_bert.serving.near_vectors import NearVectors
from keras_bert.serving.vector_graph import VectorGraph

RNG = np.random.default_rng(0)
VECTORS = np.concatenate([RNG.normal(size=(300, 8)), RNG.normal(size=(20, 8)).repeat(5, 0)]).astype("float32")
MORE = np.concatenate([RNG.normal(size=(60, 8)), VECTORS[:30], VECTORS[300:310]]).astype("float32")
QUERIES = RNG.normal(size=(50, 8))


@pytest.fixture(params=["exact", "approximate"])
def method(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "approximate":
        pytest.importorskip("faiss", reason="needs the search extra")
        monkeypatch.setattr(near_vectors, "EXACT_UP_TO", 10)
    return request.param


@pytest.mark.parametrize("similarity", ["cosine", "euclidean"])
@pytest.mark.parametrize("gone", [0, 40, 250], ids=["none", "some", "most"])
def test_changed_rows_are_searched_as_new_ones(method: str, gone: int, similarity: str, tmp_path: Path):
    near = NearVectors(VECTORS, method, similarity)
    before = near.search(QUERIES, 10)
    kept = np.sort(RNG.permutation(len(VECTORS))[gone:])
    changed = near.changed(kept, MORE)
    expected = NearVectors(np.concatenate([VECTORS[kept], MORE]), "exact", similarity)
    changed.save(tmp_path)
    for made in (changed, NearVectors.open(tmp_path, changed.facts())):
        assert (len(made), made.method) == (len(kept) + len(MORE), method)
        scores, numbers = made.search(QUERIES, 10)
        right, wanted = expected.search(QUERIES, 10)
        found = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(numbers, wanted, strict=True)])
        assert found == 1 if method == "exact" else found > 0.98
        np.testing.assert_allclose(scores[numbers == wanted], right[numbers == wanted], atol=1e-4)
        assert numbers.min() >= 0
        np.testing.assert_allclose(made.vectors(np.arange(len(made))), expected.vectors(np.arange(len(made))))
    for ours, theirs in zip(near.search(QUERIES, 10), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_graph_is_extended_and_not_built_again(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("faiss", reason="needs the search extra")
    monkeypatch.setattr(near_vectors, "EXACT_UP_TO", 10)
    near = NearVectors(VECTORS)

    def refuse(*given: object) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr(VectorGraph, "build", refuse)
    changed = near.changed(np.arange(30, 400), MORE).changed(np.arange(20, 440), MORE[:0])
    assert len(changed) == 420
    with pytest.raises(AssertionError, match="built again"):
        changed.changed(np.arange(100), MORE)


def test_all_rows_may_be_asked_for():
    """Places without a row are not among them."""
    pytest.importorskip("faiss", reason="needs the search extra")
    near = NearVectors(VECTORS, "approximate")
    near_vectors_ = near.changed(np.arange(400), MORE)
    assert len(near_vectors_) == len(VECTORS) + len(MORE)
    assert sorted(near.search(QUERIES[:1], 999)[1][0].tolist())[-1] == 399
