"""Pooling against numpy on ragged rows: padding plays no part, rows without tokens give zeros."""

from pathlib import Path

import keras
import numpy as np
import pytest

from keras_bert.layers.token_pooling import MODES, TokenPooling
from tests.layer_test_case import BACKEND, run_layer_test, to_numpy

RNG = np.random.default_rng(0)
HIDDEN = RNG.normal(-1, 2, (3, 5, 4)).astype("float32")
LENGTHS = [5, 3, 1]
MASK = np.array([[1] * length + [0] * (5 - length) for length in LENGTHS], "int32")


def expected(mode: str, hidden: np.ndarray = HIDDEN) -> np.ndarray:
    return np.stack([pooled(mode, row[:length]) for row, length in zip(hidden, LENGTHS, strict=True)])


def pooled(mode: str, row: np.ndarray, first: int = 0) -> np.ndarray:
    """Pools the tokens of one row from `first` on."""
    places = np.arange(1, len(row) + 1)[first:, None]
    row = row[first:]
    return {
        "cls": row[0],
        "max": row.max(0),
        "mean": row.mean(0),
        "mean_sqrt_len_tokens": row.sum(0) / np.sqrt(len(row)),
        "weightedmean": (places * row).sum(0) / places.sum(),
        "lasttoken": row[-1],
    }[mode]


@pytest.mark.parametrize("mode", ["cls", "max", "weightedmean", "lasttoken"])
def test_it_is_a_layer(mode: str, tmp_path: Path):
    run_layer_test(TokenPooling, {"mode": mode}, (HIDDEN, MASK), (3, 4), tmp_path)


@pytest.mark.parametrize("mode", MODES)
def test_it_pools_the_real_tokens(mode: str):
    np.testing.assert_allclose(to_numpy(TokenPooling(mode)(HIDDEN, MASK)), expected(mode), atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_what_stands_in_padding_plays_no_part(mode: str):
    noisy = np.where(MASK[:, :, None] == 1, HIDDEN, 1e4).astype("float32")
    np.testing.assert_allclose(to_numpy(TokenPooling(mode)(noisy, MASK)), expected(mode), atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_tokens_that_do_not_count_play_no_part(mode: str):
    """Places are those in the row: the weights of a weighted mean do not begin anew behind what is left out."""
    counted = MASK * (np.arange(5) >= 2)
    found = to_numpy(TokenPooling(mode)(HIDDEN, MASK, counted))
    wanted = [pooled(mode, row[:length], 2) for row, length in zip(HIDDEN[:2], LENGTHS, strict=False)]
    np.testing.assert_allclose(found[:2], wanted, atol=1e-6)
    # Where all is left out, "cls" is the first token, as in sentence-transformers.
    np.testing.assert_array_equal(found[2], HIDDEN[2, 0] if mode == "cls" else np.zeros(4))


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "cls"])
def test_a_row_without_tokens_gives_zeros(mode: str):
    pooled = to_numpy(TokenPooling(mode)(HIDDEN, MASK * np.array([[1], [0], [1]], "int32")))
    np.testing.assert_array_equal(pooled[1], 0)
    np.testing.assert_allclose(pooled[[0, 2]], expected(mode)[[0, 2]], atol=1e-6)


def test_the_mean_is_taken_in_float32():
    """A thousand ones and one thousand: bfloat16, added up in turn, would stop at 256."""
    hidden = np.ones((1, 1001, 1), "float32")
    hidden[0, -1] = 1000
    pooled = TokenPooling("mean", dtype="bfloat16")(hidden, np.ones((1, 1001), "int32"))
    np.testing.assert_allclose(to_numpy(pooled), [[2000 / 1001]], rtol=4e-3)
    assert keras.backend.standardize_dtype(pooled.dtype) == "bfloat16"


@pytest.mark.skipif(BACKEND != "tensorflow", reason="takes the gradient with TensorFlow's tape")
@pytest.mark.parametrize("mode", MODES)
def test_gradients_reach_the_real_tokens_only_and_are_finite(mode: str):
    import tensorflow as tf

    hidden, mask = tf.Variable(HIDDEN), MASK * np.array([[1], [0], [1]], "int32")
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(TokenPooling(mode)(hidden, mask) ** 2)
    gradient = tape.gradient(total, hidden).numpy()
    assert np.isfinite(gradient).all()
    if mode != "cls":
        assert (gradient[mask == 0] == 0).all()
    assert np.abs(gradient[0]).sum() > 0


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="weightedmean, lasttoken, received: 'sum'"):
        TokenPooling("sum")
