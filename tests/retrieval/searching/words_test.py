"""BM25 against its formula, worked out word by word."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.retrieval.searching.words import Words

RNG = np.random.default_rng(0)
IDS = [RNG.integers(0, 12, RNG.integers(1, 15)).astype(np.int32) for _ in range(40)]


def bm25(query: list[int], ids: list[np.ndarray], k1: float = 1.5, b: float = 0.75) -> np.ndarray:
    """Robertson and Zaragoza 2009, equation 3.15, with Lucene's idf."""
    mean = np.mean([len(row) for row in ids])
    scores = np.zeros(len(ids))
    for token in query:
        containing = sum(token in row for row in ids)
        idf = math.log(1 + (len(ids) - containing + 0.5) / (containing + 0.5))
        for number, row in enumerate(ids):
            frequency = int((row == token).sum())
            scores[number] += idf * frequency / (frequency + k1 * (1 - b + b * len(row) / mean))
    return scores


@pytest.mark.parametrize("reopened", [False, True], ids=["built", "opened"])
def test_scores_are_those_of_the_formula(reopened: bool, tmp_path: Path):
    pytest.importorskip("bm25s", reason="needs the search extra")
    words = Words.build(IDS, vocabulary_size=15)
    if reopened:
        words.save(tmp_path)
        words = Words.open(tmp_path, len(IDS))
    queries = [[3], [3, 3, 5], [11, 0, 7, 2], [14], []]
    for query, (scores, numbers) in zip(queries, words.search(queries, 9), strict=True):
        expected = bm25(query, IDS)
        order = np.argsort(-expected.astype(np.float32), kind="stable")[:9]
        order = order[expected[order] > 0]
        np.testing.assert_allclose(scores, expected[order], rtol=1e-5)
        np.testing.assert_allclose(expected[numbers], expected[order], rtol=1e-5)


def test_what_shares_no_word_is_not_found_and_equal_ones_come_in_their_order():
    pytest.importorskip("bm25s", reason="needs the search extra")
    words = Words.build([np.array([1, 2]), np.array([3, 4]), np.array([2, 1])], 5)
    assert [numbers.tolist() for _, numbers in words.search([[1], [3], [0]], 5)] == [[0, 2], [1], []]


def test_passages_of_nothing_known_are_no_obstacle():
    pytest.importorskip("bm25s", reason="needs the search extra")
    nothing = np.zeros(0, np.int32)
    assert Words.build([nothing, np.array([1]), nothing], 2).search([[1]], 3)[0][1].tolist() == [1]
    assert Words.build([nothing, nothing], 2).search([[1]], 3)[0][1].tolist() == []


def test_damaged_files_are_refused(tmp_path: Path):
    pytest.importorskip("bm25s", reason="needs the search extra")
    words = Words.build(IDS, 12)
    for name, wrong in (("indices", np.array([99], np.int32)), ("data", np.array([1.0])), ("indptr", np.array([0, 5]))):
        words.save(tmp_path)
        np.save(tmp_path / f"words_{name}.npy", wrong)
        with pytest.raises(ValueError, match="words_"):
            Words.open(tmp_path, len(IDS))


def test_without_bm25s_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "bm25s", None)
    with pytest.raises(InputError, match=r"pip install 'bert-for-keras\[search\]'"):
        Words.build(IDS, 12)
