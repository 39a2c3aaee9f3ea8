"""The truth: for every pair of tokens whether one may see the other, and what a softmax makes of the bias."""

import numpy as np
import pytest
from keras import ops

from keras_bert.layers.ordered_attention_bias import MASKS, OrderedAttentionBias
from tests.layer_test_case import TOLERANCES, run_layer_test, to_numpy

# Two examples in the first row, padding in the second, nothing in the third.
EXAMPLES = np.array([[1, 1, 1, 2, 2, 2], [1, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0]], dtype="int32")
SEGMENTS = np.array([[0, 1, 1, 0, 0, 1], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0]], dtype="int32")


def sees(row: int, query: int, key: int, mask: str) -> bool:
    if EXAMPLES[row, query] != EXAMPLES[row, key]:
        return False
    if mask == "causal" or SEGMENTS[row, key] == 1:
        return key <= query
    return True


def test_the_layer(tmp_path):
    run_layer_test(OrderedAttentionBias, {"mask": "causal"}, [EXAMPLES, SEGMENTS], (3, 1, 6, 6), tmp_path)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("policy", TOLERANCES)
def test_who_sees_whom(mask: str, policy: str):
    bias = OrderedAttentionBias(mask, dtype=policy)(EXAMPLES, SEGMENTS)
    inside = np.array([[[sees(row, q, k, mask) for k in range(6)] for q in range(6)] for row in range(3)])
    scores = ops.cast(np.where(inside, -1000.0, 1000.0)[:, None], bias.dtype)
    weights = to_numpy(ops.softmax(ops.cast(scores + bias, "float32")))[:, 0]
    np.testing.assert_allclose(weights, inside / inside.sum(-1, keepdims=True), rtol=1e-6)


@pytest.mark.parametrize("policy", TOLERANCES)
def test_each_example_of_a_row_has_the_mask_of_its_segments(policy: str):
    """UniLM's: to both sides, from left to right, from right to left, from sequence to sequence; then padding."""
    examples = np.array([[1, 1, 2, 2, 3, 3, 4, 4, 4, 0]], dtype="int32")
    segments = np.array([[0, 1, 2, 2, 3, 3, 4, 5, 5, 0]], dtype="int32")
    inside = np.zeros((10, 10), bool)
    for query, keys in enumerate([(0, 1), (0, 1), (2,), (2, 3), (4, 5), (5,), (6,), (6, 7), (6, 7, 8), (9,)]):
        inside[query, list(keys)] = True
    bias = to_numpy(ops.cast(OrderedAttentionBias("unilm", dtype=policy)(examples, segments), "float32"))
    np.testing.assert_array_equal(bias[0, 0] == 0, inside)
    assert (bias[0, 0][~inside] < -2e4).all()


def test_an_unknown_mask_is_refused():
    with pytest.raises(ValueError, match="mask must be one of prefix, causal, unilm"):
        OrderedAttentionBias("suffix")
