"""An index of vectors in a folder: which rows are nearest to a query."""

import errno
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from absl import logging

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.files import atomic_folder
from keras_bert.foreign_files import parse_json, read_json
from keras_bert.serving.graph_file import check_graph_file
from keras_bert.serving.similarity import SIMILARITIES, pair_similarity, similarity, unit_vectors

METHODS = ("exact", "approximate")
EXACT_UP_TO = 5_000
"""Rows that are compared one by one unless another method is asked for; it takes a millisecond."""

_FORMAT = 2
_BLOCK = 256  # queries compared at a time
# Links a vector, and candidates while building and asking (Malkov and Yashunin 2016, arXiv:1603.09320, section 4.1).
_LINKS, _BUILD, _ASK = 32, 200, 128
_METRICS = {"cosine": "INNER_PRODUCT", "dot": "INNER_PRODUCT", "euclidean": "L2", "manhattan": "L1"}
_SAME = 1e-6  # a similarity that is less by no more than this is as good
_MOST_LOST = 1 / 200  # of a graph that loses more of its own vectors, neighbours are not to be had


class VectorIndex:
    """Vectors with what they stand for, searched by their similarity.

    `"exact"` compares a query with every vector. `"approximate"` walks a graph of neighbours (HNSW, by faiss), which
    takes milliseconds among millions of rows, and may miss a row now and then. Rows with the same vector are one
    place there: a graph whose neighbours are all copies leads nowhere else. What the graph does not find, when asked
    for each of its own vectors, is compared one by one, so that every row finds itself; of more than one vector in 200
    that would be so, as among thousands that are nearly the same, all are compared, and `method` is `"exact"`.

    Args:
        vectors: float32 (rows, size).
        rows: What each stands for: a dict of strings, `text` among them.
        model: What the vectors were made with: a handle and a fingerprint, which are kept and compared.
        method: One of `METHODS`; None takes `"exact"` up to 5,000 rows.
        similarity: How vectors are compared, see `similarity.similarity`.

    Raises:
        InputError: There are no rows, or not as many as vectors; vectors hold NaN or infinity; faiss is needed and not
            installed.

    Example:
        >>> index = VectorIndex(np.eye(3), [{"text": "x"}, {"text": "y"}, {"text": "z"}], {})
        >>> scores, numbers = index.search(np.array([[0.1, 2.0, 0.0]]), 2)
        >>> numbers.tolist()
        [[1, 0]]
    """

    def __init__(
        self,
        vectors: np.ndarray,
        rows: Sequence[Mapping[str, str]],
        model: Mapping[str, str],
        method: str | None = None,
        similarity: str = "cosine",
    ) -> None:
        vectors = np.asarray(vectors, np.float32)
        if len(vectors) != len(rows) or not len(rows):
            raise InputError(f"{len(vectors)} vectors for {len(rows)} rows; expected as many, at least 1")
        _check_finite(vectors, "vectors")
        method = method or ("exact" if len(rows) <= EXACT_UP_TO else "approximate")
        if method not in METHODS:
            raise InputError(f"method must be one of {', '.join(METHODS)}, received: {method!r}")
        if similarity not in SIMILARITIES:
            raise InputError(f"similarity must be one of {', '.join(SIMILARITIES)}, received: {similarity!r}")
        self.rows = list(rows)
        self.model = dict(model)
        self.method = method
        self.similarity = similarity
        self.size = vectors.shape[1]
        distinct, self._place = _distinct(unit_vectors(vectors) if similarity == "cosine" else vectors)
        self._members = _members(self._place)
        self._index: _Exact | _Graph = _Exact(distinct, similarity)
        if method == "approximate":
            graph = _Graph.build(distinct, similarity)
            if graph.lost > _MOST_LOST * len(distinct):
                logging.warning(
                    "a graph of neighbours loses %d of the %d vectors, many of which are nearly the same or far longer "
                    "than others: all are compared instead, which is exact",
                    graph.lost,
                    len(distinct),
                )
                self.method = "exact"
            else:
                self._index = graph

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
        k = min(k, len(self.rows))
        order, starts = self._members
        # Of as many places as rows are asked for each has a row at least, so no other place has one among them.
        scores, places = self._index.search(queries, min(k, len(starts) - 1))
        found_scores = np.full((len(queries), k), -np.inf, np.float32)
        found = np.full((len(queries), k), -1, np.int64)
        for query in range(len(queries)):
            there = places[query] >= 0
            rows = [order[start : start + k] for start in starts[places[query][there]]]
            ends = starts[places[query][there] + 1] - starts[places[query][there]]
            rows = [part[:end] for part, end in zip(rows, ends, strict=True)]
            numbers = np.concatenate([*rows, np.zeros(0, np.int64)])
            values = np.repeat(scores[query][there], [len(part) for part in rows])
            best = np.lexsort((numbers, -values))[:k]
            found[query, : len(best)], found_scores[query, : len(best)] = numbers[best], values[best]
        return found_scores, found

    def save(self, folder: str | Path, overwrite: bool = False) -> None:
        """Writes the index, whole or not at all: `index.json`, `rows.jsonl`, `vectors.npy` or `vectors.faiss`.

        Args:
            folder: Where to write.
            overwrite: Replace a folder that holds something.

        Raises:
            InputError: The folder holds something and `overwrite` is False, or the disk is full.
        """
        facts = {
            "format": _FORMAT,
            "rows": len(self.rows),
            "size": self.size,
            "method": self.method,
            "similarity": self.similarity,
            "model": self.model,
        }
        with atomic_folder(folder, overwrite) as temporary:
            (temporary / "index.json").write_text(to_json(facts, indent=2) + "\n", encoding="utf-8")
            with (temporary / "rows.jsonl").open("w", encoding="utf-8") as file:
                file.writelines(to_json(row) + "\n" for row in self.rows)
            np.save(temporary / "places.npy", self._place)
            self._index.save(temporary)

    @classmethod
    def open(cls, folder: str | Path) -> "VectorIndex":
        """Opens an index that `save` wrote.

        Raises:
            InputError: There is none, it is damaged, or it needs faiss.
        """
        path = Path(folder)
        try:
            if (facts := read_json(path / "index.json")) is None:
                raise FileNotFoundError(errno.ENOENT, "", "index.json")
            if facts["format"] != _FORMAT:
                raise InputError(
                    f"{folder}: an index of format {facts['format']}; this version reads {_FORMAT}: "
                    "index the rows again, --rows --overwrite"
                )
            lines = _regular(path / "rows.jsonl").read_bytes().split(b"\n")[:-1]
            index = cls.__new__(cls)
            index.rows = [parse_json(line, f"rows.jsonl, line {number}") for number, line in enumerate(lines, 1)]
            if not all(isinstance(row, dict) and isinstance(row.get("text"), str) for row in index.rows):
                raise ValueError("rows.jsonl: a row that is no object with a text")
            index.model = {str(name): str(value) for name, value in facts["model"].items()}
            index.method, index.similarity, index.size = facts["method"], facts["similarity"], facts["size"]
            index._place = _array(path / "places.npy")
            index._members = _members(index._place)
            if index.method not in METHODS or index.similarity not in SIMILARITIES:
                raise ValueError(f"{index.method} search by {index.similarity}")
            opened = _Exact.open if index.method == "exact" else _Graph.open
            index._index = opened(path, index.similarity)
            shape, places, count = index._index.shape, len(index._members[1]) - 1, facts["rows"]
        except FileNotFoundError as error:
            missing = Path(error.filename).name
            raise InputError(
                f"{folder}: no index there (no {missing}); keras-bert search --rows=... makes one"
            ) from None
        except (ValueError, LookupError, TypeError, AttributeError, RuntimeError, EOFError, OSError) as error:
            if isinstance(error, InputError) and str(error).startswith(str(folder)):
                raise
            reason = (str(error).splitlines() or ["no values"])[0]
            raise InputError(f"{folder}: the index is damaged ({reason:.200})") from None
        if not index.rows or index._place.shape != (len(index.rows),) or len(index.rows) != count:
            raise InputError(f"{folder}: the index is damaged: {len(index.rows)} rows, {index._place.size} places")
        if shape != (places, index.size):
            raise InputError(f"{folder}: the index is damaged: {places} places, vectors {shape}")
        return index


class _Exact:
    """All vectors, compared with each query."""

    def __init__(self, vectors: np.ndarray, similarity_name: str) -> None:
        self._vectors = vectors
        self._compare = similarity("dot" if similarity_name == "cosine" else similarity_name)
        self.shape = vectors.shape

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Finds the nearest places of each query: similarities and numbers, (queries, k); of as near ones the first."""
        blocks = [
            _best(self._compare(queries[i : i + _BLOCK], self._vectors), k) for i in range(0, len(queries), _BLOCK)
        ]
        blocks.append((np.zeros((0, k), np.float32), np.zeros((0, k), np.int64)))
        scores, numbers = zip(*blocks, strict=True)
        return np.concatenate(scores), np.concatenate(numbers)

    def save(self, folder: Path) -> None:
        np.save(folder / "vectors.npy", self._vectors)

    @classmethod
    def open(cls, folder: Path, similarity_name: str) -> "_Exact":
        vectors = _array(folder / "vectors.npy")
        if vectors.ndim != 2 or vectors.dtype != np.float32 or not np.isfinite(vectors).all():
            raise ValueError("vectors.npy holds other than rows of float32, or NaN")
        return cls(vectors, similarity_name)


class _Graph:
    """A graph of neighbours, and the vectors that it does not find."""

    def __init__(self, graph: Any, lost: np.ndarray, similarity_name: str) -> None:
        self._graph, self._lost = graph, lost
        self._similarity = similarity_name
        vectors = [graph.reconstruct(int(number)) for number in lost]
        self._others = _Exact(np.array(vectors, np.float32).reshape(len(lost), graph.d), similarity_name)
        self.shape = (graph.ntotal, graph.d)

    @property
    def lost(self) -> int:
        """How many of its vectors the graph does not find."""
        return len(self._lost)

    @classmethod
    def build(cls, vectors: np.ndarray, similarity_name: str) -> "_Graph":
        faiss = _faiss()
        metric = getattr(faiss, f"METRIC_{_METRICS[similarity_name]}")
        graph = faiss.IndexHNSWFlat(vectors.shape[1], _LINKS, metric)
        graph.hnsw.efConstruction = _BUILD
        graph.add(vectors)
        made = cls(graph, np.zeros(0, np.int64), similarity_name)
        scores, numbers = made.search(vectors, 1)
        own = pair_similarity("dot" if similarity_name == "cosine" else similarity_name, vectors, vectors)
        lost = (numbers[:, 0] != np.arange(len(vectors))) & (scores[:, 0] < own - _SAME * np.maximum(1, np.abs(own)))
        return cls(graph, np.flatnonzero(lost), similarity_name)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """As `_Exact.search`; numbers end in -1 where fewer were found."""
        self._graph.hnsw.efSearch = max(_ASK, 2 * k)
        scores, numbers = self._graph.search(queries, k)
        if self._similarity == "euclidean":
            scores = -np.sqrt(np.maximum(scores, 0))
        elif self._similarity == "manhattan":
            scores = -scores
        scores = np.where(numbers >= 0, scores, -np.inf).astype(np.float32)
        if not len(self._lost):
            return scores, numbers
        # Those that the graph finds from here all the same come once.
        numbers = np.where(np.isin(numbers, self._lost), -1, numbers)
        more, places = self._others.search(queries, min(k, len(self._lost)))
        scores = np.concatenate([np.where(numbers >= 0, scores, -np.inf), more], axis=1)
        numbers = np.concatenate([numbers, self._lost[places]], axis=1)
        order = np.lexsort((numbers, -scores), axis=1)[:, :k]
        return np.take_along_axis(scores, order, 1), np.take_along_axis(numbers, order, 1)

    def save(self, folder: Path) -> None:
        _faiss().write_index(self._graph, str(folder / "vectors.faiss"))
        np.save(folder / "lost.npy", self._lost)

    @classmethod
    def open(cls, folder: Path, similarity_name: str) -> "_Graph":
        faiss = _faiss()
        check_graph_file(_regular(folder / "vectors.faiss"))
        graph = faiss.read_index(str(folder / "vectors.faiss"))
        lost = _array(folder / "lost.npy")
        if lost.ndim != 1 or lost.dtype != np.int64 or (lost.size and not 0 <= lost.min() <= lost.max() < graph.ntotal):
            raise ValueError("lost.npy names vectors that are not there")
        return cls(graph, lost, similarity_name)


def _best(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Takes the k highest scores of each row, the highest first; of equal ones the first: float, int64 (rows, k)."""
    count = scores.shape[1]
    least = np.partition(scores, count - k, axis=1)[:, count - k]
    rows, numbers = np.nonzero(scores >= least[:, None])
    values = scores[rows, numbers]
    order = np.lexsort((numbers, -values, rows))
    starts = np.searchsorted(rows, np.arange(len(scores)))
    kept = order[starts[:, None] + np.arange(k)]
    return values[kept], numbers[kept]


def _distinct(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gives the distinct vectors, in the order in which they come first, and the number of each row's, int64."""
    vectors = vectors + np.float32(0)  # of -0.0 and 0.0 one
    numbers: dict[bytes, int] = {}
    place = np.array([numbers.setdefault(vector.tobytes(), len(numbers)) for vector in vectors], np.int64)
    _, first = np.unique(place, return_index=True)
    return np.ascontiguousarray(vectors[first]), place


def _members(place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gives the rows by place, each place's in their order, and where each place's begin, with the end: int64."""
    if place.ndim != 1 or place.dtype != np.int64 or (place.size and not 0 <= place.min() <= place.max() < len(place)):
        raise ValueError("places.npy does not number vectors")
    counts = np.bincount(place)
    if not counts.all():
        raise ValueError("places.npy leaves out a vector")
    return np.argsort(place, kind="stable"), np.concatenate([[0], np.cumsum(counts)])


def _array(path: Path) -> np.ndarray:
    """Reads an array whose size is compared with that of the file before memory is taken for it."""
    return np.array(np.load(_regular(path), mmap_mode="r", allow_pickle=False))


def _regular(path: Path) -> Path:
    """Gives a path back; a pipe there would be waited for, and a device might have no end."""
    if path.exists() and not path.is_file():
        raise ValueError(f"{path.name}: no regular file")
    return path


def _check_finite(vectors: np.ndarray, name: str) -> None:
    broken = ~np.isfinite(vectors).all(-1)
    if broken.any():
        raise InputError(
            f"{broken.sum()} of {len(vectors)} {name} hold NaN or infinity, the first of them number "
            f"{int(broken.argmax())}: nothing is near to them"
        )


def _faiss() -> Any:
    try:
        return importlib.import_module("faiss")
    except ModuleNotFoundError:
        raise InputError(
            "approximate search needs faiss; pip install 'bert-for-keras[search]', or compare all rows, --method=exact"
        ) from None
