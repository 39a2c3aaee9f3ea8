"""Deals documents to units of work: in random order, alike in size, whatever number of workers there will be."""

import random
from typing import NamedTuple

import numpy as np

from keras_bert.data.pretraining.examples import one_document
from keras_bert.errors import InputError

INDEX = np.dtype([("file", "<u4"), ("length", "<u4"), ("offset", "<u8"), ("origin", "<u8")])
"""Where a document, or a part of a long one, stands: number of its file, bytes, and which document it belongs to."""


class Unit(NamedTuple):
    """What becomes one shard.

    Attributes:
        split: `train` or `held_out`.
        duplicate: Which pass over the documents it belongs to.
        number: Among all units of the split, from 0.
        total: How many units the split has.
        listing: The file that lists its documents, entries of `INDEX`.
        first: The first of its entries.
        documents: How many there are.
    """

    split: str
    duplicate: int
    number: int
    total: int
    listing: str
    first: int
    documents: int

    def generator(self, seed: int) -> random.Random:
        """Gives the random numbers of the unit, which depend on nothing but the seed and what the unit is."""
        return random.Random(f"{seed}/{self.split}/{self.duplicate}/{self.number}")


def deal(index: np.ndarray, unit_bytes: int, seed: tuple[int, ...], pairs: bool) -> tuple[np.ndarray, list[int]]:
    """Deals documents to units.

    Args:
        index: `INDEX` (documents,).
        unit_bytes: About how much text to put into a unit.
        seed: Of the order.
        pairs: Each unit needs two documents at least, to draw random next sentences from.

    Returns:
        The index in the order dealt, and where each unit begins, with the end of the last: int (units + 1).

    Raises:
        InputError: `pairs`, and there is only one document.
    """
    if pairs and len(np.unique(index["origin"][:2])) < 2 and len(np.unique(index["origin"])) < 2:
        raise InputError(one_document(len(index)))
    order = index[np.random.default_rng(seed).permutation(len(index))]
    ends = np.cumsum(order["length"], dtype=np.int64)
    units = max(1, -(-int(ends[-1]) // unit_bytes))
    # The unit that the middle of a document falls into.
    middles = ends - order["length"].astype(np.int64) // 2
    unit = np.minimum(middles * units // ends[-1], units - 1)
    starts = [0, *(np.flatnonzero(np.diff(unit)) + 1).tolist(), len(order)]
    return order, _with_partners(order["origin"], starts) if pairs else starts


def _with_partners(origins: np.ndarray, starts: list[int]) -> list[int]:
    """Joins a unit that has only one document to the next one, the last to the one before."""
    kept = [0]
    for end in starts[1:]:
        if (origins[kept[-1] : end] != origins[kept[-1]]).any():
            kept.append(end)
    if kept[-1] != len(origins):
        kept[-1] = len(origins)
    return kept
