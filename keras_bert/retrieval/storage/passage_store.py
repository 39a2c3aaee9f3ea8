"""Passages in a file that is mapped into memory: one is read when it is asked for."""

import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np

from keras_bert.foreign_files import parse_json
from keras_bert.retrieval.passages.passage import Passage
from keras_bert.serving.compared_vectors import mapped_array, regular

FILE, ENDS, DOCUMENTS = "passages.jsonl", "passage_ends.npy", "documents.npy"


class PassageStore(Sequence[Passage]):
    """The passages of an index, by their numbers.

    Args:
        folder: Holds `passages.jsonl`, `passage_ends.npy` and `documents.npy`.

    Raises:
        ValueError: The files hold something else.
        OSError: They cannot be read.

    Example:
        >>> index.passages[0].text  # doctest: +SKIP
        'Embeddings turn a text into a vector.'
    """

    def __init__(self, folder: Path) -> None:
        with regular(folder / FILE).open("rb") as file:
            self._lines = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._ends = mapped_array(folder / ENDS)
        self.documents = mapped_array(folder / DOCUMENTS)
        for array, kind in ((self._ends, np.int64), (self.documents, np.int32)):
            if array.ndim != 1 or array.dtype != kind or len(array) != len(self._ends):
                raise ValueError(f"{ENDS} and {DOCUMENTS} do not number the same passages")
        ends = self._ends
        if not len(ends) or ends[0] <= 0 or (np.diff(ends) <= 0).any() or ends[-1] != len(self._lines):
            raise ValueError(f"{ENDS} does not part {FILE}")

    def __len__(self) -> int:
        """How many passages there are."""
        return len(self._ends)

    @overload
    def __getitem__(self, number: int) -> Passage: ...
    @overload
    def __getitem__(self, number: slice) -> list[Passage]: ...
    def __getitem__(self, number: int | slice) -> Passage | list[Passage]:
        """Reads a passage, or several.

        Raises:
            IndexError: There is none of the number.
            InputError: Its line is damaged.
        """
        if isinstance(number, slice):
            return [self[index] for index in range(*number.indices(len(self)))]
        index = range(len(self))[number]
        fields = parse_json(self.line(index), f"{FILE}, line {index + 1}")
        return Passage(**fields, document=int(self.documents[index]))

    def line(self, number: int) -> bytes:
        """Gives the line that a passage is written in, without its end."""
        start = int(self._ends[number - 1]) if number else 0
        return self._lines[start : int(self._ends[number]) - 1]


def passage_fields(passage: Passage) -> dict[str, Any]:
    """Gives what the line of a passage says, as JSON has it: all but the number of its document, which may change."""
    return {name: value for name, value in vars(passage).items() if name != "document"}
