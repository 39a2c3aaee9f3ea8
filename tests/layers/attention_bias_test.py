"""The truth: what a softmax makes of the bias: nothing of tokens, weight zero for padding."""

import numpy as np
import pytest
from keras import ops

from keras_bert.layers.attention_bias import AttentionBias
from tests.layer_test_case import TOLERANCES, run_layer_test, to_numpy

MASK = np.array([[1, 1, 1, 0], [1, 0, 0, 0]], dtype="int32")


def test_the_layer(tmp_path):
    run_layer_test(AttentionBias, {}, [MASK], (2, 1, 1, 4), tmp_path)


@pytest.mark.parametrize("policy", TOLERANCES)
@pytest.mark.parametrize("kind", ["int32", "bool", "float32"])
def test_tokens_keep_their_weight_and_padding_has_none(policy, kind):
    bias = AttentionBias(dtype=policy)(ops.convert_to_tensor(MASK, kind))
    np.testing.assert_array_equal(to_numpy(bias)[:, 0, 0][MASK == 1], 0)
    # Scores far larger than attention ever has, the padding's the highest.
    scores = ops.cast(np.where(MASK[:, None, None] == 1, [[-1000.0, 500.0, 500.0, 0.0]], 1000.0), bias.dtype)
    weights = to_numpy(ops.softmax(ops.cast(scores + bias, "float32")))[:, 0, 0]
    np.testing.assert_array_equal(weights, [[0, 0.5, 0.5, 0], [1, 0, 0, 0]])


@pytest.mark.parametrize("policy", TOLERANCES)
def test_a_row_of_padding_stays_finite(policy):
    bias = AttentionBias(dtype=policy)(np.zeros((1, 3), "int32"))
    scores = ops.cast([-1000.0, 0.0, 1000.0], bias.dtype)
    total = to_numpy(scores + bias)
    assert np.isfinite(total).all()
    assert np.isclose(to_numpy(ops.softmax(ops.cast(scores + bias, "float32"))).sum(), 1)
