"""The truth: the pooler over the hidden states of all tokens."""

import numpy as np
import pytest

from keras_bert.config import BertConfig
from keras_bert.encoder import BertEncoder, unpadded
from tests.encoder_test import INPUTS, MASK, SIZES, make_encoder, run
from tests.encoder_unpad_test import assert_as_close
from tests.layer_test_case import BACKEND, to_numpy

PACKED = {**INPUTS, "padding_mask": np.array([[1, 1, 2, 2, 2], [1, 1, 2, 0, 0], [1, 0, 0, 0, 0]], "int32")}


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("unpad", [False, True])
@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("packing", [False, True])
def test_the_last_block_for_the_first_token_alone_gives_the_same(packing, norm_first, unpad, policy):
    encoder = make_encoder(BertConfig(**SIZES, norm_first=norm_first), packing=packing, dtype=policy)
    with unpadded(encoder, unpad):
        outputs = run(encoder, PACKED if packing else INPUTS)
    assert_as_close(outputs["pooled_output"], to_numpy(encoder.pooler(outputs["sequence_output"])), policy)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="takes gradients with TensorFlow's tape")
@pytest.mark.parametrize("options", [{}, {"gradient_checkpointing": True}, {"unpad": True}])
def test_the_gradients_are_the_same(options):
    import tensorflow as tf

    rates = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    encoder = make_encoder(BertConfig(**SIZES, **rates), **options)
    variables = [weight.value for weight in encoder.trainable_weights]

    @tf.function
    def gradients(of_all_tokens):
        with tf.GradientTape() as tape:
            outputs = encoder(INPUTS, training=True)
            pooled = encoder.pooler(outputs["sequence_output"]) if of_all_tokens else outputs["pooled_output"]
            loss = tf.reduce_sum(pooled**3)
        return [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, variables)]

    for got, want in zip(gradients(False), gradients(True), strict=True):
        np.testing.assert_allclose(to_numpy(got), to_numpy(want), atol=1e-5 * max(1, np.abs(want).max()))


def products_behind(*tensors):
    """Rows of each product with a weight matrix that a symbolic tensor of TensorFlow is made of."""
    found, waiting = set(), [tensor.op for tensor in tensors]
    while waiting:
        operation = waiting.pop()
        if operation not in found:
            found.add(operation)
            waiting += [*(tensor.op for tensor in operation.inputs), *operation.control_inputs]
    return sorted(operation.outputs[0].shape[0] for operation in found if operation.type == "MatMul")


@pytest.mark.skipif(BACKEND != "tensorflow", reason="looks into a TensorFlow graph")
@pytest.mark.parametrize("training", [False, True])
def test_a_graph_computes_no_more_than_what_is_asked_for(training):
    import tensorflow as tf

    encoder = BertEncoder(BertConfig(**SIZES))
    rows, tokens = MASK.shape
    all_tokens, first = rows * tokens, rows
    traced = tf.function(lambda: encoder(INPUTS, training=training)).get_concrete_function()
    outputs = traced.structured_outputs
    # The first block has four products; of the last one query, key and value are for all tokens, then the pooler.
    assert products_behind(outputs["pooled_output"]) == [first] * 4 + [all_tokens] * 5
    assert products_behind(outputs["sequence_output"]) == [all_tokens] * 8
