"""Dealing documents to units."""

import itertools

import numpy as np
import pytest

from keras_bert.data.pretraining.units import INDEX, Unit, deal
from keras_bert.errors import InputError


def index_of(lengths: list[int], origins: list[int] | None = None) -> np.ndarray:
    index = np.zeros(len(lengths), INDEX)
    index["length"] = lengths
    index["offset"] = np.cumsum([0, *lengths[:-1]])
    index["origin"] = range(len(lengths)) if origins is None else origins
    return index


def test_every_document_is_dealt_once_to_units_of_like_size():
    chooser = np.random.default_rng(0)
    index = index_of(chooser.integers(1, 10_000, 5000).tolist())
    order, starts = deal(index, 1_000_000, (1, 0), pairs=True)
    assert sorted(order["origin"].tolist()) == list(range(5000))
    sizes = [int(order["length"][a:b].sum()) for a, b in itertools.pairwise(starts)]
    assert len(sizes) == -(-int(index["length"].sum()) // 1_000_000)
    assert max(sizes) < 1_010_000
    assert min(sizes) > 900_000
    # Neighbours in the file are apart: of the pairs that follow each other, next to none did before.
    assert np.mean(np.diff(order["origin"].astype(int)) == 1) < 0.01


def test_the_seed_decides_the_order():
    index = index_of([10] * 100)
    orders = [deal(index, 100, seed, pairs=True)[0]["origin"].tolist() for seed in ((1, 0), (1, 0), (1, 1), (2, 0))]
    assert orders[0] == orders[1]
    assert len({tuple(order) for order in orders}) == 3


@pytest.mark.parametrize("seed", range(20))
def test_a_unit_has_two_documents_even_if_one_of_them_is_most_of_the_text(seed: int):
    """Twenty parts of one long document and three short ones, units of a part each."""
    index = index_of([100] * 20 + [5, 5, 5], [0] * 20 + [1, 2, 3])
    order, starts = deal(index, 100, (seed, 0), pairs=True)
    assert starts[0] == 0
    assert starts[-1] == 23
    for first, last in itertools.pairwise(starts):
        assert len(set(order["origin"][first:last].tolist())) >= 2
    assert len(deal(index, 100, (seed, 0), pairs=False)[1]) - 1 >= 20


def test_one_document_has_no_partner():
    with pytest.raises(InputError, match="only one document"):
        deal(index_of([10, 10], [0, 0]), 100, (0, 0), pairs=True)
    assert deal(index_of([10, 10], [0, 0]), 100, (0, 0), pairs=False)[1] == [0, 2]


def test_the_random_numbers_of_a_unit_are_its_own():
    unit = Unit("train", 0, 3, 9, "index", 0, 5)
    first = unit.generator(7).random()
    assert first == unit._replace(total=4, listing="elsewhere", first=2).generator(7).random()
    others = [unit._replace(number=4), unit._replace(duplicate=1), unit._replace(split="held_out")]
    assert len({first, *(other.generator(7).random() for other in others), unit.generator(8).random()}) == 5
