"""An index of vectors in a folder: which rows are nearest to a query."""

import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_bert.errors import InputError
from keras_bert.files import atomic_folder

METHODS = ("exact", "approximate")
EXACT_UP_TO = 5_000
"""Rows that are compared one by one unless another method is asked for; it takes a millisecond."""

_FORMAT = 1
_BLOCK = 256  # queries compared at a time
# Links a vector, and candidates while building and asking (Malkov and Yashunin 2016, arXiv:1603.09320, section 4.1).
_LINKS, _BUILD, _ASK = 32, 200, 128


class VectorIndex:
    """Vectors with what they stand for, searched by the cosine.

    `"exact"` compares a query with every vector. `"approximate"` walks a graph of neighbours (HNSW, by faiss), which
    takes milliseconds among millions of rows, and may miss a row now and then.

    Args:
        vectors: float32 (rows, size), of any length; they are normalized.
        rows: What each stands for: a dict of strings, `text` among them.
        model: What the vectors were made with: a handle and a fingerprint, which are kept and compared.
        method: One of `METHODS`; None takes `"exact"` up to 5,000 rows.

    Raises:
        InputError: There are no rows, or not as many as vectors; faiss is needed and not installed.

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
    ) -> None:
        vectors = np.asarray(vectors, np.float32)
        if len(vectors) != len(rows) or not len(rows):
            raise InputError(f"{len(vectors)} vectors for {len(rows)} rows; expected as many, at least 1")
        method = method or ("exact" if len(rows) <= EXACT_UP_TO else "approximate")
        if method not in METHODS:
            raise InputError(f"method must be one of {', '.join(METHODS)}, received: {method!r}")
        self.rows = list(rows)
        self.model = dict(model)
        self.method = method
        self.size = vectors.shape[1]
        self._vectors = unit_vectors(vectors)
        self._graph = None
        if method == "approximate":
            faiss = _faiss()
            self._graph = faiss.IndexHNSWFlat(self.size, _LINKS, faiss.METRIC_INNER_PRODUCT)
            self._graph.hnsw.efConstruction = _BUILD
            self._graph.add(self._vectors)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Finds the nearest rows.

        Args:
            queries: float (queries, size), of any length.
            k: Rows a query; fewer if there are not as many.

        Returns:
            Cosines float32 and numbers of rows int64, both (queries, k), the nearest first; rows that are as near in
            their order. Where an approximate search found fewer, the numbers end in -1.

        Raises:
            InputError: The queries have another size, or k is not positive.
        """
        queries = unit_vectors(np.asarray(queries, np.float32))
        if queries.ndim != 2 or queries.shape[1] != self.size:
            raise InputError(f"queries have the shape {queries.shape}; the index has vectors of {self.size} numbers")
        if k < 1:
            raise InputError(f"k is {k}; it must be at least 1")
        k = min(k, len(self.rows))
        if self._graph is not None:
            self._graph.hnsw.efSearch = max(_ASK, 2 * k)
            scores, numbers = self._graph.search(queries, k)
            return scores, numbers
        blocks = [self._exact(queries[start : start + _BLOCK], k) for start in range(0, len(queries), _BLOCK)]
        if not blocks:
            return np.zeros((0, k), np.float32), np.zeros((0, k), np.int64)
        return np.concatenate([scores for scores, _ in blocks]), np.concatenate([numbers for _, numbers in blocks])

    def _exact(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        scores = queries @ self._vectors.T
        numbers = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(scores, numbers, axis=1), numbers

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
            "model": self.model,
        }
        with atomic_folder(folder, overwrite) as temporary:
            (temporary / "index.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
            with (temporary / "rows.jsonl").open("w", encoding="utf-8") as file:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows)
            if self._graph is None:
                np.save(temporary / "vectors.npy", self._vectors)
            else:
                _faiss().write_index(self._graph, str(temporary / "vectors.faiss"))

    @classmethod
    def open(cls, folder: str | Path) -> "VectorIndex":
        """Opens an index that `save` wrote.

        Raises:
            InputError: There is none, it is damaged, or it needs faiss.
        """
        path = Path(folder)
        try:
            facts = json.loads((path / "index.json").read_text(encoding="utf-8"))
            if facts["format"] != _FORMAT:
                raise InputError(f"{folder}: an index of format {facts['format']}; this version reads {_FORMAT}")
            lines = (path / "rows.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
            index = cls.__new__(cls)
            index.rows, index.model = [json.loads(line) for line in lines], dict(facts["model"])
            index.method, index.size, index._graph = facts["method"], int(facts["size"]), None
            if index.method == "approximate":
                index._graph = _faiss().read_index(str(path / "vectors.faiss"))
                shape = (index._graph.ntotal, index._graph.d)
            else:
                index._vectors = np.load(path / "vectors.npy", allow_pickle=False)
                shape = index._vectors.shape
        except FileNotFoundError as error:
            missing = Path(error.filename).name
            raise InputError(
                f"{folder}: no index there (no {missing}); keras-bert search --rows=... makes one"
            ) from None
        except (ValueError, KeyError, TypeError, RuntimeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{folder}: the index is damaged ({str(error).splitlines()[0]:.200})") from None
        if shape != (len(index.rows), index.size) or len(index.rows) != facts["rows"]:
            raise InputError(f"{folder}: the index is damaged: {len(index.rows)} rows, vectors {shape}")
        return index


def unit_vectors(vectors: np.ndarray) -> np.ndarray:
    """Brings vectors (rows, size) to the length 1; a vector of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.ascontiguousarray(vectors / np.where(lengths > 0, lengths, 1.0), np.float32)


def _faiss() -> Any:
    try:
        return importlib.import_module("faiss")
    except ModuleNotFoundError:
        raise InputError(
            "approximate search needs faiss; pip install 'bert-for-keras[search]', or compare all rows, --method=exact"
        ) from None
