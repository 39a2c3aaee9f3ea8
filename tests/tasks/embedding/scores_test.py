"""Scores of pairs against orders worked out by hand; `embedder_test` has them of a model."""

from typing import Any

import numpy as np
import pytest

from keras_bert.tasks.embedding.scores import correlation_scores, pair_vectors, search_scores
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.tasks import tiny

# It knows none of these letters, so that each is a text of its own.
TOKENIZER = BertTokenizer(tiny.VOCABULARY[:6])
VECTORS = {b"a": [1.0, 0.0], b"b": [0.6, 0.8], b"c": [0.0, 1.0], b"d": [0.9, 0.1]}


def vectors(texts: Any, prompt: str | None = None) -> np.ndarray:
    del prompt
    return np.array([VECTORS[text] for text in texts])


def found(pairs: str, name: str = "cosine") -> dict[str, float]:
    firsts, seconds = ([pair[side].encode() for pair in pairs.split()] for side in (0, 1))
    return search_scores(TOKENIZER, firsts, seconds, vectors(firsts), vectors(seconds), name)


@pytest.mark.parametrize(
    ("pairs", "mrr"),
    [
        ("ab bc", (1 + 1) / 2),
        # a finds d before its partner b, and b finds d before a: of a and b both texts of a row count.
        ("ab bd", (1 / 2 + 1) / 2),
        ("ab ba", 1.0),
        ("aa ad", 1.0),
        ("ac bc db", (1 / 2 + 1 + 1) / 3),
    ],
)
def test_a_text_finds_its_partners_and_passes_over_itself(pairs: str, mrr: float):
    assert found(pairs)["mrr"] == pytest.approx(mrr)


def test_the_similarity_decides_the_order():
    """b is nearer to d than to a by the angle; doubled, d is the farther one."""
    firsts, seconds = [b"b", b"c"], [b"a", b"d"]
    documents = np.array([[1.0, 0.0], [3.0, 1.0]])
    queries = vectors(firsts)
    assert search_scores(TOKENIZER, firsts, seconds, queries, documents, "cosine")["recall_at_1"] == 0.5
    assert search_scores(TOKENIZER, firsts, seconds, queries, documents, "euclidean")["recall_at_1"] == 0.5
    assert search_scores(TOKENIZER, firsts, seconds, queries, documents, "dot")["recall_at_1"] == 0.5


def test_correlations_follow_the_similarity():
    first, second = np.array([[1.0, 0], [1, 0], [1, 0]]), np.array([[5.0, 0], [1, 1], [0.5, 1]])
    labels = np.array([3.0, 2.0, 1.0])
    assert correlation_scores(first, second, labels, "cosine", None)["spearman"] == pytest.approx(1.0)
    assert correlation_scores(first, second, labels, "euclidean", None)["spearman"] == pytest.approx(-0.5)
    with_targets = correlation_scores(first, second, labels, "cosine", np.array([1.0, 0.5, 0.0]))
    assert with_targets["loss"] == with_targets["mse"] == pytest.approx(np.mean([0, 0.2071**2, 0.4472**2]), rel=1e-3)


def test_texts_with_one_prompt_go_in_one_go():
    asked = []

    def embed(texts: list[bytes], prompt: str | None) -> np.ndarray:
        asked.append((len(texts), prompt))
        return vectors(texts)

    same = pair_vectors([b"a", b"b"], [b"c", b"d"], embed, [None, None])
    apart = pair_vectors([b"a", b"b"], [b"c", b"d"], embed, ["query", None])
    assert asked == [(4, None), (2, "query"), (2, None)]
    for one, other in zip(same, apart, strict=True):
        np.testing.assert_array_equal(one, other)
