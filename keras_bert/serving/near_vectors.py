"""Rows of vectors, searched by their similarity: all compared, or a graph of neighbours walked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from absl import logging

from keras_bert.errors import InputError
from keras_bert.serving.compared_vectors import ComparedVectors, mapped_array
from keras_bert.serving.similarity import SIMILARITIES, unit_vectors
from keras_bert.serving.vector_graph import VectorGraph

METHODS = ("exact", "approximate")
EXACT_UP_TO = 5_000
"""Rows that are compared one by one unless another method is asked for; it takes a millisecond."""

_MOST_LOST = 1 / 200  # of a graph that loses more of its own vectors, neighbours are not to be had
_MOST_LEFT = 1 / 4  # of the places of a graph, those without a row; of more it is made anew


class NearVectors:
    """Rows of vectors. Rows with the same vector are one place, so that a graph does not lead from copy to copy.

    Args:
        vectors: float32 (rows, size), at least one row.
        method: One of `METHODS`; None takes `"exact"` up to 5,000 rows.
        similarity: How vectors are compared, see `similarity.similarity`.

    Raises:
        InputError: Vectors hold NaN or infinity, there is no such method or similarity, or faiss is not installed.

    Example:
        >>> NearVectors(np.eye(3)).search(np.array([[0.1, 2.0, 0.0]]), 2)[1].tolist()
        [[1, 0]]
    """

    def __init__(self, vectors: np.ndarray, method: str | None = None, similarity: str = "cosine") -> None:
        vectors = np.asarray(vectors, np.float32)
        _check_finite(vectors, "vectors")
        method = method or ("exact" if len(vectors) <= EXACT_UP_TO else "approximate")
        if method not in METHODS:
            raise InputError(f"method must be one of {', '.join(METHODS)}, received: {method!r}")
        if similarity not in SIMILARITIES:
            raise InputError(f"similarity must be one of {', '.join(SIMILARITIES)}, received: {similarity!r}")
        distinct, place = _distinct(unit_vectors(vectors) if similarity == "cosine" else vectors)
        store: ComparedVectors | VectorGraph = ComparedVectors(distinct, similarity)
        if method == "approximate":
            graph = VectorGraph.build(distinct, similarity)
            if graph.lost > _MOST_LOST * len(distinct):
                logging.warning(
                    "a graph of neighbours loses %d of the %d vectors, many of which are nearly the same or far longer "
                    "than others: all are compared instead, which is exact",
                    graph.lost,
                    len(distinct),
                )
                method = "exact"
            else:
                store = graph
        self._set(store, place, method, similarity)

    def _set(self, store: ComparedVectors | VectorGraph, place: np.ndarray, method: str, similarity: str) -> None:
        self._store, self._place, self.method, self.similarity = store, place, method, similarity
        self.size = store.shape[1]
        self._members = _members(place, store.shape[0])
        self._empty = np.flatnonzero(np.diff(self._members[1]) == 0)

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self._place)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Finds the nearest rows.

        Args:
            queries: float (queries, size).
            k: Rows a query; fewer if there are not as many.

        Returns:
            Similarities float32 and numbers of rows int64, both (queries, k), the nearest first; rows that are as near
            in their order. Where an approximate search found fewer, the numbers end in -1.

        Raises:
            InputError: The queries have another size, or hold NaN or infinity, or k is not positive.
        """
        queries = np.asarray(queries, np.float32)
        if queries.ndim != 2 or queries.shape[1] != self.size:
            raise InputError(f"queries have the shape {queries.shape}; the index has vectors of {self.size} numbers")
        if k < 1:
            raise InputError(f"k is {k}; it must be at least 1")
        _check_finite(queries, "queries")
        if self.similarity == "cosine":
            queries = unit_vectors(queries)
        k = min(k, len(self))
        order, starts = self._members
        # Of as many places as rows are asked for each has a row at least, so no other place has one among them.
        places_with_rows = len(starts) - 1 - len(self._empty)
        left_out = self._empty if len(self._empty) else None
        scores, places = self._store.search(queries, min(k, places_with_rows), left_out)
        found_scores = np.full((len(queries), k), -np.inf, np.float32)
        found = np.full((len(queries), k), -1, np.int64)
        for query in range(len(queries)):
            there = places[query] >= 0
            rows = [order[start : start + k] for start in starts[places[query][there]]]
            ends = starts[places[query][there] + 1] - starts[places[query][there]]
            rows = [part[:end] for part, end in zip(rows, ends, strict=True)]
            numbers = np.concatenate([*rows, np.zeros(0, np.int64)])
            values = np.repeat(scores[query][there], [len(part) for part in rows])
            nearest = np.lexsort((numbers, -values))[:k]
            found[query, : len(nearest)], found_scores[query, : len(nearest)] = numbers[nearest], values[nearest]
        return found_scores, found

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """Gives the vectors of some rows, of length 1 where the similarity is the cosine: float32 (rows, size)."""
        return np.array(self._store.vectors(self._place[rows]), np.float32)

    def changed(self, kept: np.ndarray, more: np.ndarray) -> "NearVectors":
        """Gives other rows, out of some of these and new ones; these stay as they are.

        A graph gets the new vectors, and the places of rows that are gone are passed over by a search, up to a quarter
        of all; past that, and where the search is to be of another kind, it is made anew.

        Args:
            kept: int64 (kept,), numbers of the rows that stay, in their order.
            more: float (more, size), what comes behind them.

        Raises:
            InputError: As the constructor.
        """
        more = np.asarray(more, np.float32).reshape(-1, self.size)
        _check_finite(more, "vectors")
        method = "exact" if len(kept) + len(more) <= EXACT_UP_TO else "approximate"
        gone = self._store.shape[0] - len(np.unique(self._place[kept]))
        is_graph = isinstance(self._store, VectorGraph) and method == "approximate"
        if not is_graph or gone > _MOST_LEFT * self._store.shape[0]:
            return NearVectors(np.concatenate([self.vectors(kept), more]), method, self.similarity)
        assert isinstance(self._store, VectorGraph)
        distinct, place = _distinct(unit_vectors(more) if self.similarity == "cosine" else more)
        here = self._places_of(distinct)
        is_new = here < 0
        here[is_new] = self._store.shape[0] + np.arange(is_new.sum())
        graph = self._store.extended(np.ascontiguousarray(distinct[is_new]))
        if graph.lost > _MOST_LOST * graph.shape[0]:
            return NearVectors(np.concatenate([self.vectors(kept), more]), method, self.similarity)
        made = NearVectors.__new__(NearVectors)
        made._set(graph, np.concatenate([self._place[kept], here[place]]), method, self.similarity)
        return made

    def _places_of(self, distinct: np.ndarray) -> np.ndarray:
        """Gives the place of each vector that is there already, -1 for others: int64 (vectors,)."""
        found = np.full(len(distinct), -1, np.int64)
        if len(distinct):
            _, near = self._store.search(distinct, 1)
            there = np.flatnonzero(near[:, 0] >= 0)
            same = (self._store.vectors(near[there, 0]) == distinct[there]).all(1)
            found[there[same]] = near[there[same], 0]
        return found

    def save(self, folder: Path) -> None:
        """Writes `places.npy`, and `vectors.npy` or `vectors.faiss` and `lost.npy`, into a folder that is there."""
        np.save(folder / "places.npy", self._place)
        self._store.save(folder)

    def facts(self) -> dict[str, Any]:
        """Gives what `open` is to know beside the files, as JSON has it."""
        return {"rows": len(self), "size": self.size, "method": self.method, "similarity": self.similarity}

    @classmethod
    def open(cls, folder: Path, facts: Mapping[str, Any]) -> "NearVectors":
        """Opens what `save` wrote.

        Args:
            folder: Holds the files.
            facts: What `facts` gave.

        Raises:
            InputError: faiss is needed and not installed.
            LookupError, TypeError, ValueError, RuntimeError, OSError: Files or facts are damaged.
        """
        place = np.array(mapped_array(folder / "places.npy"))
        method, similarity, size, count = (facts[name] for name in ("method", "similarity", "size", "rows"))
        if method not in METHODS or similarity not in SIMILARITIES:
            raise ValueError(f"{method} search by {similarity}")
        store = (ComparedVectors if method == "exact" else VectorGraph).open(folder, similarity)
        if store.shape[1] != size or len(place) != count:
            raise ValueError(f"{count} rows, {len(place)} places, vectors {store.shape} of {size} numbers")
        made = cls.__new__(cls)
        made._set(store, place, method, similarity)
        if method == "exact" and len(made._empty):
            raise ValueError("places.npy leaves out a vector")
        return made


def _distinct(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gives the distinct vectors, in the order in which they come first, and the number of each row's, int64."""
    vectors = vectors + np.float32(0)  # of -0.0 and 0.0 one
    numbers: dict[bytes, int] = {}
    place = np.array([numbers.setdefault(vector.tobytes(), len(numbers)) for vector in vectors], np.int64)
    _, first = np.unique(place, return_index=True)
    return np.ascontiguousarray(vectors[first]), place


def _members(place: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Gives the rows by place, each place's in their order, and where each place's begin, with the end: int64."""
    if place.ndim != 1 or place.dtype != np.int64 or (place.size and not 0 <= place.min() <= place.max() < count):
        raise ValueError("places.npy does not number vectors")
    counts = np.bincount(place, minlength=count)
    return np.argsort(place, kind="stable"), np.concatenate([[0], np.cumsum(counts)])


def _check_finite(vectors: np.ndarray, name: str) -> None:
    broken = ~np.isfinite(vectors).all(-1)
    if broken.any():
        raise InputError(
            f"{broken.sum()} of {len(vectors)} {name} hold NaN or infinity, the first of them number "
            f"{int(broken.argmax())}: nothing is near to them"
        )
