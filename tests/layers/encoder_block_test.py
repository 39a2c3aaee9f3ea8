"""The truth: the block in plain numpy, post-LN and pre-LN."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_bert.layers.attention_bias import AttentionBias
from keras_bert.layers.encoder_block import EncoderBlock
from tests.layer_test_case import BACKEND, TOLERANCES, randomize, run_layer_test, to_numpy
from tests.layers import numpy_bert

BATCH, TOKENS, SIZE, HEADS, WIDTH = 3, 5, 8, 2, 12
HIDDEN = np.random.default_rng(0).normal(size=(BATCH, TOKENS, SIZE)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]], "int32")
OPTIONS = {
    "num_heads": HEADS,
    "intermediate_size": WIDTH,
    "activation": "gelu_new",
    "dropout": 0.1,
    "attention_dropout": 0.2,
    "layer_norm_epsilon": 1e-3,
    "norm_first": True,
    "output_attentions": True,
    "initializer_range": 0.5,
    "gradient_checkpointing": True,
    "unpad": True,
    "head_size": 5,
    "adapters": {"rank": 2, "alpha": 4.0, "dropout": 0.1, "targets": ["attention.self.query", "output.dense"]},
}


def make_block(policy="float32", **options):
    block = EncoderBlock(HEADS, WIDTH, dtype=policy, **options)
    block.build((None, SIZE), (None, 1, 1, None))
    randomize(block)
    return block


def apply(block, hidden, mask, **options):
    flat = ops.cast(hidden.reshape(-1, SIZE), block.compute_dtype)
    outputs = block(flat, AttentionBias(dtype=block.dtype_policy)(mask), **options)
    outputs, *rest = outputs if isinstance(outputs, tuple) else (outputs,)
    return to_numpy(outputs).reshape(hidden.shape), *(to_numpy(tensor) for tensor in rest)


def test_the_layer(tmp_path):
    inputs = [HIDDEN.reshape(-1, SIZE), to_numpy(AttentionBias()(MASK))]
    shapes = [(BATCH * TOKENS, SIZE), (BATCH, HEADS, TOKENS, TOKENS)]
    run_layer_test(
        EncoderBlock, OPTIONS, inputs, shapes, tmp_path, expected_trainable_weights=12, expected_frozen_weights=4
    )


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "relu"])
def test_against_numpy(norm_first, activation):
    # A large epsilon, so that one that is passed over shows.
    block = make_block(norm_first=norm_first, activation=activation, layer_norm_epsilon=0.3, output_attentions=True)
    outputs, probabilities = apply(block, HIDDEN, MASK)
    weights = numpy_bert.block_weights(block)
    expected = numpy_bert.encoder_block(
        HIDDEN.astype("float64"), MASK, weights, HEADS, activation, epsilon=0.3, norm_first=norm_first
    )
    np.testing.assert_allclose(outputs, expected[0], atol=3e-5)
    np.testing.assert_allclose(probabilities, expected[1], atol=3e-6)


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("output_attentions", [False, True])
def test_the_first_token_alone_is_the_first_of_all(output_attentions, norm_first):
    block = make_block(norm_first=norm_first, output_attentions=output_attentions)
    flat, bias = HIDDEN.reshape(-1, SIZE), AttentionBias()(MASK)
    expected = apply(block, HIDDEN, MASK)
    found = block(flat, bias, first_token=True)
    symbolic = block(keras.Input((SIZE,)), keras.Input((1, 1, TOKENS), BATCH), first_token=True)
    if output_attentions:
        (found, probabilities), (symbolic, symbolic_probabilities) = found, symbolic
        np.testing.assert_allclose(to_numpy(probabilities), expected[1][:, :, :1], atol=1e-6)
        assert symbolic_probabilities.shape == probabilities.shape
    np.testing.assert_allclose(to_numpy(found), expected[0][:, 0], atol=1e-5)
    assert symbolic.shape == found.shape == (BATCH, SIZE)


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("policy", TOLERANCES)
def test_padding_does_not_influence_tokens(policy, norm_first):
    block = make_block(policy, norm_first=norm_first)
    changed = np.where(MASK[:, :, None] == 1, HIDDEN, HIDDEN[::-1] + 3).astype("float32")
    (outputs,), (others,) = apply(block, HIDDEN, MASK), apply(block, changed, MASK)
    np.testing.assert_array_equal(outputs[MASK == 1], others[MASK == 1])
    assert (outputs[MASK == 0] != others[MASK == 0]).any()


@pytest.mark.parametrize("policy", [*TOLERANCES, "float16"])
def test_a_row_of_padding_is_finite(policy):
    mask = MASK.copy()
    mask[0] = 0
    (outputs,) = apply(make_block(policy, layer_norm_epsilon=1e-12), HIDDEN, mask)
    assert np.isfinite(outputs).all()


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16"])
def test_layer_norm_is_in_float32_under_bfloat16(policy):
    # With kernels of zero the block is its norms alone. bfloat16 holds these inputs, but not their mean: there it
    # would be off by 0.07 standard deviations.
    hidden = 256 + np.array([[[0, 2, 8, 18, 0, 18, 10, 4]]], "float32")
    block = EncoderBlock(HEADS, WIDTH, dtype=policy)
    block.build((None, SIZE), (None, 1, 1, None))
    for weight in block.weights:
        weight.assign(np.full(weight.shape, 1.0 if weight.name == "gamma" else 0.0))
    (outputs,) = apply(block, hidden, np.ones((1, 1), "int32"))
    centred = hidden - hidden.mean()
    # Two norms, each rounded to bfloat16's eight bits once.
    np.testing.assert_allclose(outputs, centred / centred.std(), rtol=2**-7, atol=2**-8)


@pytest.mark.parametrize("options", [{"dropout": 0.5}, {"attention_dropout": 0.5}])
def test_each_dropout_acts_in_training_only(options):
    keras.utils.set_random_seed(0)
    block = make_block(**options)
    (plain,), (trained,) = (apply(block, HIDDEN, MASK, training=training) for training in (False, True))
    np.testing.assert_array_equal(plain, apply(make_block(), HIDDEN, MASK)[0])
    assert np.abs(plain - trained).max() > 0.01


def test_dropout_is_before_the_residual_sum():
    # All but all is dropped: what is left is the two norms of the input.
    keras.utils.set_random_seed(0)
    block = make_block(dropout=0.9999)
    (outputs,) = apply(block, HIDDEN, MASK, training=True)
    norms = (numpy_bert.read_norm(block.attention_norm), numpy_bert.read_norm(block.output_norm))
    expected = numpy_bert.layer_norm(
        numpy_bert.layer_norm(HIDDEN.astype("float64"), *norms[0], 1e-12), *norms[1], 1e-12
    )
    np.testing.assert_allclose(outputs, expected, atol=2e-5)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="reads the graph of TensorFlow")
def test_products_bias_and_gelu_are_ready_to_fuse():
    import tensorflow as tf

    block = make_block()
    signature = (tf.TensorSpec((None, SIZE)), tf.TensorSpec((None, 1, 1, None)))
    traced = tf.function(lambda *inputs: block(*inputs)).get_concrete_function(*signature)
    followed = [
        consumer.type
        for operation in traced.graph.get_operations()
        if operation.type == "MatMul"
        for consumer in operation.outputs[0].consumers()
    ]
    assert followed == ["BiasAdd"] * 4
