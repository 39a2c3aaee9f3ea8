"""A graph of vectors that are neighbours (HNSW, by faiss)."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from keras_bert.errors import InputError
from keras_bert.serving.compared_vectors import ComparedVectors, mapped_array, regular
from keras_bert.serving.graph_file import check_graph_file
from keras_bert.serving.similarity import pair_similarity

# Links a vector, and candidates while building and asking (Malkov and Yashunin 2016, arXiv:1603.09320, section 4.1).
_LINKS, _BUILD, _ASK = 32, 200, 128
_METRICS = {"cosine": "INNER_PRODUCT", "dot": "INNER_PRODUCT", "euclidean": "L2", "manhattan": "L1"}
_SAME = 1e-6  # a similarity that is less by no more than this is as good


class VectorGraph:
    """A graph of neighbours, and the vectors that it does not find.

    Args:
        graph: faiss' `IndexHNSWFlat`.
        lost: int64 (lost,), numbers of the vectors that it does not find; they are compared one by one.
        similarity_name: How vectors are compared; `"cosine"` of vectors of length 1.
    """

    def __init__(self, graph: Any, lost: np.ndarray, similarity_name: str) -> None:
        self._graph, self._lost = graph, lost
        self._similarity = similarity_name
        self._others = ComparedVectors(self.vectors(lost), similarity_name)
        self.shape = (graph.ntotal, graph.d)

    @property
    def lost(self) -> int:
        """How many of its vectors the graph does not find."""
        return len(self._lost)

    @classmethod
    def build(cls, vectors: np.ndarray, similarity_name: str) -> "VectorGraph":
        """Makes a graph of float32 (places, size), and asks it for each of them.

        Raises:
            InputError: faiss is not installed.
        """
        faiss = _faiss()
        metric = getattr(faiss, f"METRIC_{_METRICS[similarity_name]}")
        graph = faiss.IndexHNSWFlat(vectors.shape[1], _LINKS, metric)
        graph.hnsw.efConstruction = _BUILD
        return cls(graph, np.zeros(0, np.int64), similarity_name)._added(vectors)

    def extended(self, vectors: np.ndarray) -> "VectorGraph":
        """Gives a graph with some vectors more, float32 (more, size); this one stays as it is."""
        copy = _faiss().clone_index(self._graph)
        copy.hnsw.efConstruction = _BUILD
        return VectorGraph(copy, self._lost, self._similarity)._added(vectors)

    def _added(self, vectors: np.ndarray) -> "VectorGraph":
        before = self._graph.ntotal
        if not len(vectors):
            return self
        self._graph.add(vectors)
        scores, numbers = VectorGraph(self._graph, np.zeros(0, np.int64), self._similarity).search(vectors, 1)
        own = pair_similarity("dot" if self._similarity == "cosine" else self._similarity, vectors, vectors)
        is_lost = (numbers[:, 0] != before + np.arange(len(vectors))) & (
            scores[:, 0] < own - _SAME * np.maximum(1, np.abs(own))
        )
        lost = np.concatenate([self._lost, before + np.flatnonzero(is_lost)])
        return VectorGraph(self._graph, lost, self._similarity)

    def vectors(self, places: np.ndarray) -> np.ndarray:
        """Gives the vectors of some places: float32 (places, size)."""
        found = np.zeros((len(places), self._graph.d), np.float32)
        for row, place in enumerate(places):
            found[row] = self._graph.reconstruct(int(place))
        return found

    def search(self, queries: np.ndarray, k: int, left_out: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """As `ComparedVectors.search`; numbers end in -1 where fewer were found."""
        faiss = _faiss()
        # Given with the call: threads that ask the same graph want other widths.
        settings = faiss.SearchParametersHNSW(efSearch=max(_ASK, 2 * k))
        if left_out is not None and len(left_out):
            out = faiss.IDSelectorBatch(left_out)
            settings = faiss.SearchParametersHNSW(efSearch=max(_ASK, 2 * k), sel=faiss.IDSelectorNot(out))
        scores, numbers = self._graph.search(np.ascontiguousarray(queries, np.float32), k, params=settings)
        if self._similarity == "euclidean":
            scores = -np.sqrt(np.maximum(scores, 0))
        elif self._similarity == "manhattan":
            scores = -scores
        scores = np.where(numbers >= 0, scores, -np.inf).astype(np.float32)
        if not len(self._lost):
            return scores, numbers
        # Those that the graph finds from here all the same come once.
        numbers = np.where(np.isin(numbers, self._lost), -1, numbers)
        gone = None if left_out is None else np.flatnonzero(np.isin(self._lost, left_out))
        more, places = self._others.search(queries, min(k, len(self._lost)), gone)
        scores = np.concatenate([np.where(numbers >= 0, scores, -np.inf), more], axis=1)
        numbers = np.concatenate([numbers, self._lost[places]], axis=1)
        numbers = np.where(np.isneginf(scores), -1, numbers)
        order = np.lexsort((numbers, -scores), axis=1)[:, :k]
        return np.take_along_axis(scores, order, 1), np.take_along_axis(numbers, order, 1)

    def save(self, folder: Path) -> None:
        """Writes `vectors.faiss` and `lost.npy`."""
        _faiss().write_index(self._graph, str(folder / "vectors.faiss"))
        np.save(folder / "lost.npy", self._lost)

    @classmethod
    def open(cls, folder: Path, similarity_name: str) -> "VectorGraph":
        """Opens what `save` wrote.

        Raises:
            InputError: faiss is not installed.
            ValueError: The files hold something else.
            RuntimeError: faiss does not read the graph.
            OSError: They cannot be read.
        """
        faiss = _faiss()
        check_graph_file(regular(folder / "vectors.faiss"))
        graph = faiss.read_index(str(folder / "vectors.faiss"))
        lost = mapped_array(folder / "lost.npy")
        if lost.ndim != 1 or lost.dtype != np.int64 or (lost.size and not 0 <= lost.min() <= lost.max() < graph.ntotal):
            raise ValueError("lost.npy names vectors that are not there")
        return cls(graph, np.array(lost), similarity_name)


def _faiss() -> Any:
    try:
        return importlib.import_module("faiss")
    except ModuleNotFoundError:
        raise InputError(
            "approximate search needs faiss; pip install 'bert-for-keras[search]', or compare all rows, --method=exact"
        ) from None
