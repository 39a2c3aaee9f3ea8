"""The truth: shares counted, and what may never change."""

import keras
import numpy as np
import pytest

from keras_bert.layers.dropout import dropout_by_example
from keras_bert.layers.token_dropout import TokenDropout
from tests.layer_test_case import check_config, to_numpy

IDS = np.arange(5, 4005, dtype="int32").reshape(4, 1000)
SEGMENTS = np.repeat([[0, 1]], 500, axis=1).repeat(4, axis=0).astype("int32")


def test_the_layer(tmp_path):
    """Whole numbers whatever the policy, so that the test of layers of floats does not fit."""
    check_config(TokenDropout, {"rate": 0.3, "token_id": 4, "seed": 7})
    layer = TokenDropout(0.3, 4, seed=7, dtype="mixed_bfloat16")
    inputs = [keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")]
    keras.Model(inputs, layer(*inputs)).save(tmp_path / "layer.keras")
    model = keras.saving.load_model(tmp_path / "layer.keras")
    assert model.output.dtype == "int32"
    expected = to_numpy(TokenDropout(0.3, 4, seed=7)(IDS, SEGMENTS, training=True))
    np.testing.assert_array_equal(to_numpy(model([IDS, SEGMENTS], training=True)), expected)


def test_a_share_of_the_target_is_replaced_in_training_alone():
    layer = TokenDropout(0.3, 4, seed=0)
    out = to_numpy(layer(IDS, SEGMENTS, training=True))
    np.testing.assert_array_equal(out[:, :500], IDS[:, :500])
    assert (out[:, 500:] == 4).mean() == pytest.approx(0.3, abs=0.03)  # 2,000 draws: 3 standard deviations
    assert ((out == 4) | (out == IDS)).all()
    np.testing.assert_array_equal(to_numpy(layer(IDS, SEGMENTS)), IDS)
    assert not np.array_equal(to_numpy(layer(IDS, SEGMENTS, training=True)), out)


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="dropout by example is for TensorFlow")
def test_by_example_the_same_tokens_each_time():
    layer = TokenDropout(0.3, 4, seed=0)
    with dropout_by_example(keras.ops.convert_to_tensor([7, 8, 7, 9])):
        first, again = (to_numpy(layer(IDS - IDS + 9, SEGMENTS, training=True)) == 4 for _ in range(2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first[0], first[2])
    assert (first[0] != first[1]).any()
    assert first[:, 500:].mean() == pytest.approx(0.3, abs=0.03)
    assert not first[:, :500].any()


def test_a_rate_that_is_none_is_refused():
    with pytest.raises(ValueError, match="rate must be in"):
        TokenDropout(1.0, 4)
