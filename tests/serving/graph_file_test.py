"""A graph's file says no more than it holds before faiss takes memory for what it says."""

import contextlib
import random
import struct
from pathlib import Path

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.serving.graph_file import check_graph_file
from keras_bert.serving.vector_index import VectorIndex

pytest.importorskip("faiss", reason="needs the search extra")

VECTORS = np.random.default_rng(0).normal(size=(60, 4))
ROWS = [{"text": "x"}] * 60


@pytest.fixture(params=["cosine", "euclidean", "manhattan"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    VectorIndex(VECTORS, ROWS, {}, "approximate", request.param).save(tmp_path / "index")
    return tmp_path / "index" / "vectors.faiss"


def test_what_faiss_writes_passes(path: Path):
    check_graph_file(path)


def test_lists_that_say_more_than_the_file_holds(path: Path):
    """The first list's number stands behind the header; 2^40 numbers would be 8 TiB."""
    whole = path.read_bytes()
    place = whole.index(struct.pack("<Q", 6))  # chances of 6 levels
    for count in (7 + len(whole) // 8, 2**33, 2**40, 2**64 - 1):
        path.write_bytes(whole[:place] + struct.pack("<Q", count) + whole[place + 8 :])
        with pytest.raises(ValueError, match=f"a list of {count:,} numbers in a file of"):
            check_graph_file(path)
        with pytest.raises(InputError, match=r"the index is damaged \(a list of"):
            VectorIndex.open(path.parent)


@pytest.mark.parametrize("size", [0, 3, 20, 100, 5000, -1])
def test_files_that_end_too_early(path: Path, size: int):
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match=r"a (graph|list)|no graph"):
        check_graph_file(path)


def test_files_with_more_behind(path: Path):
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ValueError, match="bytes in a file of"):
        check_graph_file(path)


def test_damaged_files_open_or_are_refused(path: Path):
    whole = path.read_bytes()
    for case in range(200):
        chance, data = random.Random(case), bytearray(whole)
        for _ in range(chance.choice([1, 1, 2, 4])):
            data[chance.randrange(chance.choice([200, len(data)]))] = chance.choice([0, 1, 127, 128, 255])
        path.write_bytes(data)
        with contextlib.suppress(InputError):
            VectorIndex.open(path.parent).search(VECTORS[:3], 5)
