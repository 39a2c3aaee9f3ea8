"""Vectors that are all compared with a query."""

from pathlib import Path

import numpy as np

from keras_bert.serving.similarity import similarity

_BLOCK = 256  # queries compared at a time


class ComparedVectors:
    """All vectors, compared with each query: exact, and a millisecond up to some thousands.

    Args:
        vectors: float32 (places, size).
        similarity_name: How they are compared; `"cosine"` of vectors of length 1.

    Example:
        >>> ComparedVectors(np.eye(2, dtype="float32"), "cosine").search(np.array([[0.0, 1.0]]), 1)[1].tolist()
        [[1]]
    """

    def __init__(self, vectors: np.ndarray, similarity_name: str) -> None:
        self._vectors = vectors
        self._compare = similarity("dot" if similarity_name == "cosine" else similarity_name)
        self.shape = vectors.shape

    def search(self, queries: np.ndarray, k: int, left_out: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Finds the nearest places of each query: similarities and numbers, (queries, k); of as near ones the first.

        Args:
            queries: float32 (queries, size).
            k: Places a query, no more than there are.
            left_out: Numbers of places that are not to be found, their similarity is -inf; None for none.
        """
        found = [self._block(queries[i : i + _BLOCK], k, left_out) for i in range(0, len(queries), _BLOCK)]
        found.append((np.zeros((0, k), np.float32), np.zeros((0, k), np.int64)))
        scores, numbers = zip(*found, strict=True)
        return np.concatenate(scores), np.concatenate(numbers)

    def _block(self, queries: np.ndarray, k: int, left_out: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        scores = self._compare(queries, self._vectors)
        if left_out is not None:
            scores[:, left_out] = -np.inf
        return best(scores, k)

    def vectors(self, places: np.ndarray) -> np.ndarray:
        """Gives the vectors of some places: float32 (places, size)."""
        return self._vectors[places]

    def save(self, folder: Path) -> None:
        """Writes `vectors.npy`."""
        np.save(folder / "vectors.npy", self._vectors)

    @classmethod
    def open(cls, folder: Path, similarity_name: str) -> "ComparedVectors":
        """Opens what `save` wrote, memory-mapped.

        Raises:
            ValueError: The file holds something else.
            OSError: It cannot be read.
        """
        vectors = mapped_array(folder / "vectors.npy")
        if vectors.ndim != 2 or vectors.dtype != np.float32 or not np.isfinite(vectors).all():
            raise ValueError("vectors.npy holds other than rows of float32, or NaN")
        return cls(vectors, similarity_name)


def best(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Takes the k highest scores of each row, the highest first; of equal ones the first: float, int64 (rows, k).

    Args:
        scores: float (rows, columns).
        k: From 1 to the number of columns.

    Example:
        >>> best(np.array([[0.5, 2.0, 2.0]]), 2)[1].tolist()
        [[1, 2]]
    """
    count = scores.shape[1]
    least = np.partition(scores, count - k, axis=1)[:, count - k]
    rows, numbers = np.nonzero(scores >= least[:, None])
    values = scores[rows, numbers]
    order = np.lexsort((numbers, -values, rows))
    starts = np.searchsorted(rows, np.arange(len(scores)))
    kept = order[starts[:, None] + np.arange(k)]
    return values[kept], numbers[kept]


def mapped_array(path: Path) -> np.ndarray:
    """Opens an array without reading it; its size is compared with that of the file before memory is taken.

    Raises:
        ValueError: No array, or the path is no regular file.
        OSError: It cannot be read.
    """
    array = np.load(regular(path), mmap_mode="r", allow_pickle=False)
    return array.view(np.ndarray)


def regular(path: Path) -> Path:
    """Gives a path back; a pipe there would be waited for, and a device might have no end.

    Raises:
        ValueError: There is something, and it is no regular file.
    """
    if path.exists() and not path.is_file():
        raise ValueError(f"{path.name}: no regular file")
    return path
