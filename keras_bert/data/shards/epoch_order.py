"""Which example comes when in an epoch over shards, from any place on."""

from collections.abc import Sequence

import numpy as np

BLOCK_ROWS = 200_000
"""Examples that are mixed with each other; as many as the buffer holds that rows in memory are shuffled in."""


class EpochOrder:
    """The order of the examples of an epoch, which follows from the seed alone, whoever asks and wherever one begins.

    Shuffled, the shards come in random order; as many as hold 200,000 examples are a block, and the examples of a block
    come in random order. So an epoch reads some shards at a time, and any part of it is found without what stands
    before it.

    Args:
        counts: Examples of each shard.
        seed: Of the epoch, a whole number; None: the examples stand in the order of the shards.
        block_rows: See above.

    Example:
        >>> order = EpochOrder([3, 2], seed=None)
        >>> shards, rows = order.places(2, 5)
        >>> shards.tolist(), rows.tolist()
        ([0, 1, 1], [2, 0, 1])
    """

    def __init__(self, counts: Sequence[int], seed: int | None, block_rows: int = BLOCK_ROWS) -> None:
        self._seed = seed
        self._shards = np.arange(len(counts))
        if seed is not None:
            self._shards = self._generator(0).permutation(len(counts))
        self._counts = np.asarray(counts, np.int64)[self._shards]
        before = np.concatenate([[0], np.cumsum(self._counts)])
        self.rows = int(before[-1])
        firsts = [0]  # shard that each block begins with
        for shard in range(1, len(counts)):
            if before[shard] - before[firsts[-1]] >= block_rows:
                firsts.append(shard)
        self._firsts = np.array([*firsts, len(counts)])
        self._begins = before[self._firsts]
        self._before = before
        self._permuted: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))

    def places(self, begin: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns where the examples from one place of the epoch to another stand.

        Args:
            begin: The first place, from 0.
            end: The place behind the last.

        Returns:
            The numbers of their shards and their numbers in them, int64 (end - begin,).
        """
        end = min(end, self.rows)
        at = np.arange(begin, max(begin, end))
        block = np.searchsorted(self._begins, at, side="right") - 1
        for number in np.unique(block):
            inside = block == number
            at[inside] = self._begins[number] + self.order_of(int(number))[at[inside] - self._begins[number]]
        shard = np.searchsorted(self._before, at, side="right") - 1
        return self._shards[shard], at - self._before[shard]

    @property
    def blocks(self) -> int:
        """The number of blocks."""
        return len(self._firsts) - 1

    def block_at(self, place: int) -> tuple[int, int]:
        """Returns the block that a place of the epoch is in, and the place within it; behind the last the next one."""
        block = int(np.searchsorted(self._begins, place, side="right")) - 1
        return block, place - int(self._begins[block])

    def shards_of(self, block: int) -> np.ndarray:
        """Returns the numbers of the shards of a block, int64 (shards,), as its places count them."""
        return self._shards[self._firsts[block] : self._firsts[block + 1]]

    def order_of(self, block: int) -> np.ndarray:
        """Returns the order of the examples of a block, of which the last one is kept."""
        known, order = self._permuted
        if known != block:
            count = int(self._begins[block + 1] - self._begins[block])
            order = np.arange(count) if self._seed is None else self._generator(1 + block).permutation(count)
            self._permuted = block, order
        return order

    def _generator(self, number: int) -> np.random.Generator:
        assert self._seed is not None
        return np.random.default_rng([self._seed % 2**64, number])
