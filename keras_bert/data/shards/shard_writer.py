"""From the examples of one source to its shards, each of as many examples."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_bert.data.shards.columns import Column, arrays_of, columns_of, joined
from keras_bert.data.shards.shard_file import SUFFIX, write_shard_file

SHARD_EXAMPLES = 8192
"""Examples of a shard: few enough that 200,000 examples that are mixed come from some 25 shards."""


class ShardWriter:
    """Writes examples to shards as they come.

    Args:
        path_of: From the number of a shard, from 0, and its suffix to its path.
        split: Of the examples, for what is told of the shards.
        shard_examples: Examples of a shard.

    Attributes:
        written: What is told of each shard: `split`, `name`, `examples`, `bytes`, `tokens`, and `rows`, all of them in
            the first.
    """

    def __init__(self, path_of: Callable[[int], str], split: str, shard_examples: int = SHARD_EXAMPLES) -> None:
        self.written: list[dict[str, Any]] = []
        self._path_of = path_of
        self._split = split
        self._size = shard_examples
        self._waiting: list[dict[str, Column]] = []
        self._rows = 0

    def add(self, examples: Any, rows: int) -> None:
        """Adds examples, as a task's `features` makes them.

        Args:
            examples: The examples.
            rows: How many rows they were made of.
        """
        self._rows += rows
        self._waiting.append(columns_of(examples))
        while sum(map(_count, self._waiting)) >= self._size:
            self._write(self._size)

    def close(self) -> list[dict[str, Any]]:
        """Writes what is left, and returns `written`."""
        while left := sum(map(_count, self._waiting)):
            self._write(min(left, self._size))
        if self.written:
            self.written[0]["rows"] = self._rows
        return self.written

    def _write(self, count: int) -> None:
        columns = joined(self._waiting)
        places = np.arange(_count(columns))
        shard = {path: column.take(places[:count]) for path, column in columns.items()}
        rest = {path: column.take(places[count:]) for path, column in columns.items()}
        self._waiting = [rest] if len(places) > count else []
        path = self._path_of(len(self.written))
        size = write_shard_file(path, arrays_of(shard))
        tokens = len(shard["0/token_ids"].values)
        name = path.rpartition("/")[2]
        assert name.endswith(SUFFIX)
        counts = Counter(examples=count, tokens=tokens, rows=0)
        self.written.append({"split": self._split, "name": name, "bytes": size, **counts})


def _count(columns: dict[str, Column]) -> int:
    return next(iter(columns.values())).rows
