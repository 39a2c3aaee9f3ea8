"""The truth: for every pair of tokens whether they belong to one example, and what a softmax makes of the bias."""

import numpy as np
import pytest
from keras import ops

from keras_bert.layers.packed_attention_bias import PackedAttentionBias
from tests.layer_test_case import TOLERANCES, run_layer_test, to_numpy

EXAMPLES = np.array([[1, 1, 2, 2, 0], [1, 2, 3, 3, 3], [0, 0, 0, 0, 0]], dtype="int32")


def test_the_layer(tmp_path):
    run_layer_test(PackedAttentionBias, {}, [EXAMPLES], (3, 1, 5, 5), tmp_path)


@pytest.mark.parametrize("policy", TOLERANCES)
def test_attention_stays_inside_an_example(policy):
    bias = PackedAttentionBias(dtype=policy)(EXAMPLES)
    # Scores far larger than attention ever has, highest where they must not count.
    inside = np.array([[[a == b for b in row] for a in row] for row in EXAMPLES])
    scores = ops.cast(np.where(inside, -1000.0, 1000.0)[:, None], bias.dtype)
    weights = to_numpy(ops.softmax(ops.cast(scores + bias, "float32")))[:, 0]
    np.testing.assert_allclose(weights, inside / inside.sum(-1, keepdims=True), rtol=1e-6)
