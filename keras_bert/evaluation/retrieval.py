"""How well vectors find what belongs together: recall at k and mean reciprocal rank."""

from collections.abc import Callable, Collection, Sequence

import numpy as np

from keras_bert.errors import InputError

_BLOCK = 1024  # queries compared with all documents at a time


def retrieval_scores(
    queries: np.ndarray,
    documents: np.ndarray,
    relevant: Sequence[Collection[int]],
    ks: Sequence[int] = (1, 5, 10),
    passed_over: Sequence[Collection[int]] | None = None,
    similarity: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
) -> dict[str, float]:
    """Scores the order in which documents come for queries, the most similar first.

    Documents that score alike come in the least favourable order, so that vectors that are all the same find nothing.

    Args:
        queries: float (queries, size).
        documents: float (documents, size).
        relevant: For each query the numbers of the documents that belong to it, at least one.
        ks: Places for recall; those beyond the number of documents are left out.
        passed_over: For each query the numbers of documents that take no place in its order, such as the query's own
            text; None for none.
        similarity: Compares vectors: float (queries, size), float (documents, size) → float (queries, documents);
            None for the dot product.

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
        block = queries[start : start + _BLOCK]
        scores = block @ documents.T if similarity is None else similarity(block, documents)
        for index, row in enumerate(scores, start=start):
            wanted = set(relevant[index])
            places = _places(row, sorted(wanted), sorted(set(passed_over[index]) - wanted if passed_over else ()))
            recalls.append([float(np.mean(places <= k)) for k in ks])
            reciprocal.append(1.0 / float(places.min()))
    means = np.mean(recalls, axis=0)
    return {
        **{f"recall_at_{k}": float(mean) for k, mean in zip(ks, means, strict=True)},
        "mrr": float(np.mean(reciprocal)),
    }


def _places(scores: np.ndarray, wanted: list[int], passed_over: list[int]) -> np.ndarray:
    """Gives the places, from 1, of the wanted documents: int (wanted,)."""
    if not wanted:
        raise InputError("a query without a document that belongs to it cannot be scored")
    own = scores[wanted]
    # Behind all others that score as high, and behind the wanted ones that score higher.
    counted = (scores, own, scores[passed_over])
    every, ours, others = ((values[None, :] >= own[:, None]).sum(1) for values in counted)
    before = every - ours - others
    return 1 + before + np.argsort(np.argsort(-own, kind="stable"), kind="stable")
