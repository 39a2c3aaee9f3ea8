"""How well vectors find what belongs together: recall at k and mean reciprocal rank."""

from collections.abc import Collection, Sequence

import numpy as np

from keras_bert.errors import InputError

_BLOCK = 1024  # queries compared with all documents at a time


def retrieval_scores(
    queries: np.ndarray,
    documents: np.ndarray,
    relevant: Sequence[Collection[int]],
    ks: Sequence[int] = (1, 5, 10),
) -> dict[str, float]:
    """Scores the order in which documents come for queries, the highest dot product first.

    Documents that score alike come in the least favourable order, so that vectors that are all the same find nothing.

    Args:
        queries: float (queries, size).
        documents: float (documents, size).
        relevant: For each query the numbers of the documents that belong to it, at least one.
        ks: Places for recall; those beyond the number of documents are left out.

    Returns:
        `recall_at_1`, ...: share of a query's documents among the first k, mean over the queries. `mrr`: mean of 1 /
        (place of the first document that belongs to the query), all places counted.

    Raises:
        InputError: There is no query, or one without a document.

    Example:
        >>> retrieval_scores(np.eye(2), np.array([[1.0, 0.0], [0.9, 0.8]]), [[0], [0]], ks=[1])
        {'recall_at_1': 0.5, 'mrr': 0.75}

    References:
        Manning, Raghavan, Schütze 2008, Introduction to Information Retrieval, chapter 8; Voorhees 1999 (TREC-8).
    """
    if len(queries) != len(relevant) or not len(queries):
        raise InputError(
            f"{len(queries)} queries and what belongs to {len(relevant)}; expected as many, and at least 1"
        )
    ks = [k for k in ks if k <= len(documents)]
    recalls: list[list[float]] = []
    reciprocal: list[float] = []
    for start in range(0, len(queries), _BLOCK):
        scores = queries[start : start + _BLOCK] @ documents.T
        for row, wanted in zip(scores, relevant[start : start + _BLOCK], strict=True):
            places = _places(row, sorted(set(wanted)))
            recalls.append([float(np.mean(places <= k)) for k in ks])
            reciprocal.append(1.0 / float(places.min()))
    means = np.mean(recalls, axis=0)
    return {
        **{f"recall_at_{k}": float(mean) for k, mean in zip(ks, means, strict=True)},
        "mrr": float(np.mean(reciprocal)),
    }


def _places(scores: np.ndarray, wanted: list[int]) -> np.ndarray:
    """Gives the places, from 1, of the wanted documents: int (wanted,)."""
    if not wanted:
        raise InputError("a query without a document that belongs to it cannot be scored")
    own = scores[wanted]
    # Behind all others that score as high, and behind the wanted ones that score higher.
    before = (scores[None, :] >= own[:, None]).sum(1) - (own[None, :] >= own[:, None]).sum(1)
    return 1 + before + np.argsort(np.argsort(-own, kind="stable"), kind="stable")
