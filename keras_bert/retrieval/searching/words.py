"""Passages searched by their words: BM25 over the pieces of BERT's own tokenizer."""

import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_bert.errors import InputError
from keras_bert.serving.compared_vectors import best, mapped_array

# Robertson and Zaragoza 2009, The Probabilistic Relevance Framework, section 3.3; the values of Lucene.
_K1, _B = 1.5, 0.75
_ARRAYS = {"data": np.float32, "indices": np.int32, "indptr": np.int64}


class Words:
    """How well passages fit a query by the pieces they share, BM25 as Lucene has it (bm25s).

    The tokens are ids of a tokenizer, so that Chinese needs no segmenter. Unknown words count nothing.

    Args:
        scores: bm25s' table of scores by token: `data`, `indices` and `indptr` of a sparse matrix by columns.
        passages: How many there are.

    Example:
        >>> words = Words.build([np.array([5, 6]), np.array([6, 7])], vocabulary_size=8)
        >>> [numbers.tolist() for _, numbers in words.search([[7], [6, 7], [2]], 2)]
        [[1], [1, 0], []]

    References:
        Lù 2024, BM25S, arXiv:2407.03618; Kamphuis et al. 2020, Which BM25 Do You Mean?
    """

    def __init__(self, scores: dict[str, np.ndarray], passages: int) -> None:
        self._scores = scores
        self._passages = passages
        self._engine = _bm25s().BM25(k1=_K1, b=_B, method="lucene", backend="numpy")
        self._engine.scores = {**scores, "num_docs": passages}
        self._engine.nonoccurrence_array = None

    @classmethod
    def build(cls, ids: Sequence[np.ndarray], vocabulary_size: int) -> "Words":
        """Counts the tokens of all passages.

        Args:
            ids: int (tokens,) of each passage, in any sequence that can be walked several times.
            vocabulary_size: One more than the highest id.

        Raises:
            InputError: bm25s is not installed.
        """
        engine = _bm25s().BM25(k1=_K1, b=_B, method="lucene", backend="numpy")
        lists: Any = _Lists(ids)
        # Of passages that hold nothing known, the mean length is 0 and so would be a divisor.
        with np.errstate(invalid="ignore", divide="ignore"):
            made = engine.build_index_from_ids(range(vocabulary_size), lists, show_progress=False)
        return cls({name: np.asarray(made[name], kind) for name, kind in _ARRAYS.items()}, len(ids))

    def search(self, queries: Sequence[Sequence[int]], k: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Finds the passages that fit best.

        Args:
            queries: The tokens of each query.
            k: Passages a query at most; those that share no token with it are not found.

        Returns:
            For each query scores float32 and numbers int64, both (found,), the best first; of as good ones the first.
        """
        found = []
        for query in queries:
            scores = self._engine.get_scores_from_ids(np.asarray(query, np.int32))
            values, numbers = best(scores[None], min(k, self._passages))
            is_hit = values[0] > 0
            found.append((values[0][is_hit], numbers[0][is_hit]))
        return found

    def save(self, folder: Path) -> None:
        """Writes `words_data.npy`, `words_indices.npy` and `words_indptr.npy` into a folder that is there."""
        for name, array in self._scores.items():
            np.save(folder / f"words_{name}.npy", array)

    @classmethod
    def open(cls, folder: Path, passages: int) -> "Words":
        """Opens what `save` wrote, memory-mapped.

        Raises:
            ValueError: The files hold something else.
            OSError: They cannot be read.
        """
        scores = {name: mapped_array(folder / f"words_{name}.npy") for name in _ARRAYS}
        for name, kind in _ARRAYS.items():
            if scores[name].ndim != 1 or scores[name].dtype != kind:
                raise ValueError(f"words_{name}.npy holds something else")
        indptr, indices = scores["indptr"], scores["indices"]
        ends = len(indptr) and (indptr[0] == 0) and (indptr[-1] == len(indices) == len(scores["data"]))
        if (
            not ends
            or (np.diff(indptr) < 0).any()
            or (indices.size and not 0 <= indices.min() <= indices.max() < passages)
        ):
            raise ValueError("words_indices.npy names passages that are not there")
        return cls(scores, passages)


class _Lists:
    """Arrays as lists of Python's integers, one at a time: all at once would take ten times their memory."""

    def __init__(self, arrays: Sequence[np.ndarray]) -> None:
        self._arrays = arrays

    def __len__(self) -> int:
        return len(self._arrays)

    def __iter__(self) -> Iterator[list[int]]:
        return (array.tolist() for array in self._arrays)


def _bm25s() -> Any:
    try:
        return importlib.import_module("bm25s")
    except ModuleNotFoundError:
        raise InputError("searching words needs bm25s; pip install 'bert-for-keras[search]'") from None
