"""A source of rows that is read some rows at a time, by whichever reader."""

import dataclasses
import itertools
import os
from collections.abc import Callable, Hashable, Iterator
from typing import Any

from keras_bert.data.sources.source import Source


class SourceBlocks(os.PathLike):
    """Stands for a source where a reader takes one: each time it is read, the next rows come.

    A reader that does not read row by row (CoNLL, SQuAD's layout) gives all rows the first time.

    Args:
        source: As for `keras_bert.data.read`.
        rows: Rows at a time.

    Attributes:
        rows_before: Rows before those that came last.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("numbers.jsonl").write_text("".join(f'{{"text": "{n}"}}' + chr(10) for n in range(5)))
        >>> blocks = SourceBlocks("numbers.jsonl", rows=2)
        >>> [int(part.cardinality()) for part in blocks.read_all(keras_bert.data.read)]
        [2, 2, 1]
    """

    def __init__(self, source: str | os.PathLike, rows: int) -> None:
        self.source = source
        self.rows = rows
        self.rows_before = 0
        self._opened: dict[Hashable, tuple[Source, Iterator[Any]]] = {}
        self._next: dict[Hashable, Any] = {}

    def __fspath__(self) -> str:
        return os.fspath(self.source)

    def __str__(self) -> str:
        return os.fspath(self.source)

    def read_all(self, read: Callable[["SourceBlocks"], Any]) -> Iterator[Any]:
        """Yields what a reader makes of the rows, block by block.

        Args:
            read: Reads this source, as `keras_bert.data.read` does.
        """
        while True:
            yield read(self)
            self.rows_before += self.rows
            if not any(row is not None for row in self._next.values()):
                return

    def next_rows(self, fields: Hashable, open_source: Callable[[str | os.PathLike], Source]) -> Source:
        """Returns the next rows as a source of their own.

        Args:
            fields: Which fields are wanted; each set of them is read by itself.
            open_source: Opens the whole source, the first time; gets its name.
        """
        if fields not in self._opened:
            found = open_source(self.source)
            self._opened[fields] = found, iter(found.rows)
            self._next[fields] = next(self._opened[fields][1], None)
        found, rows = self._opened[fields]
        return dataclasses.replace(found, rows=self._taken(fields, rows))

    def _taken(self, fields: Hashable, rows: Iterator[Any]) -> Iterator[Any]:
        first = self._next[fields]
        if first is None:
            return
        yield first
        yield from itertools.islice(rows, self.rows - 1)
        self._next[fields] = next(rows, None)


def rows_before(source: Any) -> int:
    """Returns how many rows of a source came before those that are looked at.

    Example:
        >>> rows_before("train.csv")
        0
    """
    return source.rows_before if isinstance(source, SourceBlocks) else 0
