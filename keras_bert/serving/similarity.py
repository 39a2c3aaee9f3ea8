"""How alike two vectors are, by the names of sentence-transformers: the higher the nearer."""

from collections.abc import Callable

import numpy as np

_MOST_NUMBERS = 1 << 24  # of a difference that is held at a time

SIMILARITIES = ("cosine", "dot", "euclidean", "manhattan")


def unit_vectors(vectors: np.ndarray) -> np.ndarray:
    """Brings vectors (rows, size) to the length 1; a vector of zeros stays."""
    # In float64, which holds the squares of all that float32 can.
    lengths = np.linalg.norm(np.asarray(vectors, np.float64), axis=-1, keepdims=True)
    return np.ascontiguousarray(vectors / np.where(lengths > 0, lengths, 1.0), np.float32)


def similarity(name: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Gives the function that compares each of some vectors with each of others.

    Args:
        name: `"cosine"`, `"dot"`, or `"euclidean"` or `"manhattan"`: the distance times -1.

    Returns:
        A function of float (queries, size) and float (documents, size), which gives float32 (queries, documents).

    Example:
        >>> similarity("euclidean")(np.array([[0.0, 3.0]]), np.array([[4.0, 0.0], [0.0, 3.0]])).tolist()
        [[-5.0, 0.0]]
    """
    return {"cosine": _cosine, "dot": _dot, "euclidean": _euclidean, "manhattan": _manhattan}[name]


def _dot(queries: np.ndarray, documents: np.ndarray) -> np.ndarray:
    return np.asarray(queries, np.float32) @ np.asarray(documents, np.float32).T


def _cosine(queries: np.ndarray, documents: np.ndarray) -> np.ndarray:
    return _dot(unit_vectors(queries), unit_vectors(documents))


def _euclidean(queries: np.ndarray, documents: np.ndarray) -> np.ndarray:
    # |q - d|² = |q|² - 2 q·d + |d|², which in float32 would leave nothing of a small distance.
    queries, documents = np.asarray(queries, np.float64), np.asarray(documents, np.float64)
    squares = (queries**2).sum(1)[:, None] - 2.0 * queries @ documents.T + (documents**2).sum(1)[None, :]
    return (-np.sqrt(np.maximum(squares, 0.0)) + 0.0).astype(np.float32)


def _manhattan(queries: np.ndarray, documents: np.ndarray) -> np.ndarray:
    queries, documents = np.asarray(queries, np.float32), np.asarray(documents, np.float32)
    found = np.empty((len(queries), len(documents)), np.float32)
    step = max(1, _MOST_NUMBERS // max(1, documents.shape[1]))
    for start in range(0, len(documents), step):
        part = documents[start : start + step]
        for index, query in enumerate(queries):
            found[index, start : start + step] = -np.abs(query - part).sum(1)
    return found + 0.0


def pair_similarity(name: str, firsts: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Compares vectors row by row: float (rows, size), twice; float32 (rows,). See `similarity`."""
    firsts, seconds = np.asarray(firsts, np.float32), np.asarray(seconds, np.float32)
    if name in ("euclidean", "manhattan"):
        return -np.linalg.norm(firsts - seconds, ord=2 if name == "euclidean" else 1, axis=1) + 0.0
    if name == "cosine":
        firsts, seconds = unit_vectors(firsts), unit_vectors(seconds)
    return (firsts * seconds).sum(1)
