"""The ranking loss against cross-entropies over cosines, worked out in numpy."""

import keras
import numpy as np
import pytest

from keras_bert.tasks.embedding.ranking_loss import BUCKETS, RankingLoss

RNG = np.random.default_rng(0)


def vectors(rows: int, texts: int) -> np.ndarray:
    return RNG.normal(size=(rows * texts, 8)).astype("float32")


def expected(flat: np.ndarray, texts: int, candidates_of: list[list[int]], scale: float = 20.0) -> np.ndarray:
    """For each row the numbers of its candidates, its own partner first; partners are numbered before negatives."""
    units = (flat / np.linalg.norm(flat, axis=1, keepdims=True)).reshape(-1, texts, flat.shape[1])
    candidates = np.concatenate([units[:, index] for index in range(1, texts)]).astype("float64")
    losses = []
    for anchor, numbers in zip(units[:, 0], candidates_of, strict=True):
        logits = scale * candidates[numbers] @ anchor
        losses.append(np.log(np.exp(logits - logits[0]).sum()))
    return np.array(losses)


def test_partners_of_other_rows_are_the_negatives():
    flat = vectors(3, 2)
    found = RankingLoss().call(np.arange(6).reshape(3, 2), flat)
    np.testing.assert_allclose(found, expected(flat, 2, [[0, 1, 2], [1, 0, 2], [2, 0, 1]]), rtol=1e-4, atol=1e-6)
    assert float(RankingLoss()(np.arange(6).reshape(3, 2), flat)) == pytest.approx(float(np.mean(found)), rel=1e-5)


def test_a_third_text_is_a_negative_of_every_row():
    flat = vectors(2, 3)
    found = RankingLoss(scale=5.0).call(np.arange(6).reshape(2, 3), flat)
    np.testing.assert_allclose(found, expected(flat, 3, [[0, 1, 2, 3], [1, 0, 2, 3]], 5.0), rtol=1e-4, atol=1e-6)


def test_what_may_be_right_is_no_negative():
    """Rows 0 and 2 have the same partner, rows 1 and 3 the same anchor; the fingerprints are as large as they get."""
    flat = vectors(4, 2)
    top = BUCKETS - 1
    prints = np.array([[0, top], [7, 2], [3, top], [7, top - 1]])
    found = RankingLoss().call(prints, flat)
    np.testing.assert_allclose(
        found, expected(flat, 2, [[0, 1, 3], [1, 0, 2], [2, 1, 3], [3, 0, 2]]), rtol=1e-4, atol=1e-6
    )
    # Keras makes float32 of targets on the way.
    assert float(RankingLoss()(prints, flat)) == pytest.approx(float(np.mean(found)), rel=1e-5)


def test_a_row_is_no_negative_of_itself():
    """The pair (a, b) and the same one the other way round: there is nothing wrong among the candidates."""
    assert np.allclose(RankingLoss().call(np.array([[1, 2], [2, 1]]), vectors(2, 2)), 0)
    # (a, b), (c, a), (b, d): for a neither a nor c is wrong, whichever of the two stood first in the row with it.
    flat = vectors(4, 2)
    found = RankingLoss().call(np.array([[1, 2], [3, 1], [5, 3], [2, 4]]), flat)
    wanted = expected(flat, 2, [[0, 3], [1, 0, 3], [2, 0, 1, 3], [3, 2]])
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_one_row_has_nothing_to_learn_from():
    assert float(RankingLoss()(np.array([[1, 2]]), vectors(1, 2))) == pytest.approx(0.0)


def test_it_comes_back_from_its_config():
    again = keras.losses.deserialize(keras.losses.serialize(RankingLoss(scale=3.0)))
    assert (type(again), again.scale) == (RankingLoss, 3.0)
    with pytest.raises(ValueError, match="scale must be positive"):
        RankingLoss(0)
