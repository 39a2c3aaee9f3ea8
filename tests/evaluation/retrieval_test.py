"""Recall and reciprocal ranks against orders worked out by hand."""

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.evaluation import retrieval_scores

# Dot products with the one query are 5, 4, 3, 2, 1.
DOCUMENTS = np.array([[5.0], [4.0], [3.0], [2.0], [1.0]])
QUERY = np.array([[1.0]])


@pytest.mark.parametrize(
    ("relevant", "recall_at_1", "recall_at_3", "mrr"),
    [
        ([0], 1.0, 1.0, 1.0),
        ([2], 0.0, 1.0, 1 / 3),
        ([4], 0.0, 0.0, 1 / 5),
        ([1, 4], 0.0, 0.5, 1 / 2),
        ([4, 3, 0], 1 / 3, 1 / 3, 1.0),
        ([2, 2], 0.0, 1.0, 1 / 3),
    ],
)
def test_one_query(relevant: list[int], recall_at_1: float, recall_at_3: float, mrr: float):
    scores = retrieval_scores(QUERY, DOCUMENTS, [relevant], ks=(1, 3, 9))
    assert scores == pytest.approx({"recall_at_1": recall_at_1, "recall_at_3": recall_at_3, "mrr": mrr})


def test_many_queries_are_a_mean_whatever_the_block():
    """More queries than are compared at a time, against a plain loop."""
    rng = np.random.default_rng(0)
    queries, documents = rng.normal(size=(1500, 3)), rng.normal(size=(40, 3))
    relevant = [rng.choice(40, rng.integers(1, 4), replace=False).tolist() for _ in queries]
    hits, reciprocal = [], []
    for query, wanted in zip(queries, relevant, strict=True):
        order = np.argsort(-(documents @ query)).tolist()
        hits.append(len(set(order[:5]) & set(wanted)) / len(wanted))
        reciprocal.append(1 / (1 + min(order.index(document) for document in wanted)))
    scores = retrieval_scores(queries, documents, relevant)
    assert scores["recall_at_5"] == pytest.approx(np.mean(hits))
    assert scores["mrr"] == pytest.approx(np.mean(reciprocal))


def test_documents_that_are_passed_over_take_no_place():
    scores = retrieval_scores(QUERY, DOCUMENTS, [[2]], ks=(1, 2), passed_over=[[0, 2, 4]])
    assert scores == {"recall_at_1": 0.0, "recall_at_2": 1.0, "mrr": 0.5}
    scores = retrieval_scores(QUERY, DOCUMENTS, [[4]], ks=(1,), similarity=lambda q, d: -(q @ d.T))
    assert scores == {"recall_at_1": 1.0, "mrr": 1.0}


def test_vectors_that_are_all_the_same_find_nothing():
    scores = retrieval_scores(np.ones((2, 3)), np.ones((5, 3)), [[0], [3]], ks=(1, 5))
    assert scores == {"recall_at_1": 0.0, "recall_at_5": 1.0, "mrr": 0.2}


def test_queries_without_documents_and_no_queries_are_refused():
    with pytest.raises(InputError, match="cannot be scored"):
        retrieval_scores(QUERY, DOCUMENTS, [[]])
    with pytest.raises(InputError, match="1 queries and what belongs to 2"):
        retrieval_scores(QUERY, DOCUMENTS, [[0], [1]])
    with pytest.raises(InputError, match="at least 1"):
        retrieval_scores(QUERY[:0], DOCUMENTS, [])
