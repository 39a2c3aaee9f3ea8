"""One vector of those of windows: what numpy makes of the windows that are there."""

import numpy as np
import pytest

from keras_bert.layers.window_pooling import WINDOW_POOLINGS, WindowPooling

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(3, 4, 5)).astype("float32")
QUERY = RNG.normal(size=5).astype("float32")
WINDOWS = (1, 4, 2)
MASK = np.array([[[index < count, 0] for index in range(4)] for count in WINDOWS], "int32")


def by_hand(mode: str, vectors: np.ndarray) -> np.ndarray:
    if mode == "attention":
        weights = np.exp(vectors @ QUERY)
        return (vectors * (weights / weights.sum())[:, None]).sum(0)
    return vectors.mean(0) if mode == "mean" else vectors.max(0)


def layer_of(mode: str) -> WindowPooling:
    layer = WindowPooling(mode)
    layer.build((None, 5), MASK.shape)
    if mode == "attention":
        layer.query.assign(QUERY)
    return layer


@pytest.mark.parametrize("mode", WINDOW_POOLINGS)
def test_windows_are_pooled_and_what_is_none_does_not_count(mode: str):
    layer = layer_of(mode)
    found = layer(VECTORS.reshape(12, 5), MASK)
    expected = [by_hand(mode, row[:count]) for row, count in zip(VECTORS, WINDOWS, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    alone = layer(VECTORS[2, :2], MASK[2:, :2])
    np.testing.assert_allclose(alone[0], found[2], rtol=1e-6)


@pytest.mark.parametrize("mode", WINDOW_POOLINGS)
def test_a_text_without_windows_gives_zeros(mode: str):
    assert not np.any(layer_of(mode)(VECTORS.reshape(12, 5), 0 * MASK))


def test_attention_begins_as_the_mean():
    found = [WindowPooling(mode)(VECTORS.reshape(12, 5), MASK) for mode in ("attention", "mean")]
    np.testing.assert_allclose(*found, rtol=1e-6)


def test_another_mode_is_refused():
    with pytest.raises(ValueError, match="mean, max, attention"):
        WindowPooling("median")
