"""The tokens of passages, one array for all."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_bert.serving.compared_vectors import mapped_array


class Pieces(Sequence[np.ndarray]):
    """The tokens of each passage, kept so that words can be counted anew without cutting the texts again.

    Args:
        ids: int32 (tokens,), of all passages.
        ends: int64 (passages,), where each passage's end.

    Raises:
        ValueError: The two do not go together.

    Example:
        >>> Pieces.of([np.array([5, 6]), np.array([7])])[1].tolist()
        [7]
    """

    def __init__(self, ids: np.ndarray, ends: np.ndarray) -> None:
        wrong_kind = ids.dtype != np.int32 or ends.dtype != np.int64 or ids.ndim != 1 or ends.ndim != 1
        if wrong_kind or not len(ends) or ends[0] < 0 or (np.diff(ends) < 0).any() or ends[-1] != len(ids):
            raise ValueError("piece_ends.npy does not part pieces.npy")
        self._ids, self._ends = ids, ends

    @classmethod
    def of(cls, rows: Sequence[np.ndarray]) -> "Pieces":
        """Makes one array of several, at least one."""
        return cls(np.concatenate(rows).astype(np.int32), np.cumsum([len(row) for row in rows]).astype(np.int64))

    def __len__(self) -> int:
        """How many passages there are."""
        return len(self._ends)

    def __getitem__(self, number: int) -> np.ndarray:  # type: ignore[override]
        """Gives the tokens of a passage, int32 (tokens,)."""
        index = range(len(self))[number]
        return self._ids[self._ends[index - 1] if index else 0 : self._ends[index]]

    def save(self, folder: Path) -> None:
        """Writes `pieces.npy` and `piece_ends.npy`."""
        np.save(folder / "pieces.npy", self._ids)
        np.save(folder / "piece_ends.npy", self._ends)

    @classmethod
    def open(cls, folder: Path) -> "Pieces":
        """Opens what `save` wrote, memory-mapped.

        Raises:
            ValueError: The files hold something else.
            OSError: They cannot be read.
        """
        return cls(mapped_array(folder / "pieces.npy"), mapped_array(folder / "piece_ends.npy"))
