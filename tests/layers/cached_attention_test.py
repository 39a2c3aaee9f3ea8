"""A block that keeps keys and values gives, token by token, what it gives for the whole row."""

import numpy as np
import pytest
from keras import ops

from keras_bert.layers.attention_bias import AttentionBias
from keras_bert.layers.cached_attention import block_step, keys_and_values
from keras_bert.layers.encoder_block import EncoderBlock
from keras_bert.layers.ordered_attention_bias import OrderedAttentionBias
from tests.layer_test_case import randomize, to_numpy

ROWS, SOURCE, TARGET, SIZE = 2, 4, 3, 8
REAL = (4, 2)  # tokens of each row's source


@pytest.mark.parametrize(("norm_first", "head_size"), [(False, None), (True, None), (False, 3)])
def test_the_steps_are_the_whole(norm_first: bool, head_size: int | None):
    rng = np.random.default_rng(0)
    block = EncoderBlock(2, 16, norm_first=norm_first, head_size=head_size)
    hidden = rng.normal(size=(ROWS, SOURCE + TARGET, SIZE)).astype("float32")
    mask = np.array([[1] * real + [0] * (SOURCE - real) + [1] * TARGET for real in REAL], "int32")
    segments = np.array([[0] * SOURCE + [1] * TARGET] * ROWS, "int32")
    bias = OrderedAttentionBias("prefix")(mask, segments)
    flat = ops.reshape(ops.convert_to_tensor(hidden), (-1, SIZE))
    block(flat, bias)
    randomize(block, 1)
    whole = to_numpy(block(flat, bias)).reshape(ROWS, SOURCE + TARGET, SIZE)

    source_bias = AttentionBias()(mask[:, :SOURCE])
    source = keys_and_values(block, ops.reshape(hidden[:, :SOURCE], (-1, SIZE)), ROWS)
    # Two beams a row: the row's own target, and that of the other row.
    kept = tuple(ops.zeros((ROWS, 2, 2, 0, head_size or SIZE // 2)) for _ in range(2))
    for time in range(TARGET):
        newest = hidden[:, SOURCE + time]
        beams = np.stack([newest, newest[::-1]], axis=1)
        found, kept = block_step(block, ops.reshape(beams, (-1, SIZE)), source, source_bias, kept)
        own = to_numpy(found).reshape(ROWS, 2, SIZE)[:, 0]
        np.testing.assert_allclose(own, whole[:, SOURCE + time], atol=1e-5)
    assert tuple(kept[0].shape) == (ROWS, 2, 2, TARGET, head_size or SIZE // 2)
