"""The truth: the encoder that computes the padding, too."""

import numpy as np
import pytest
from keras import tree

from keras_bert.config import BertConfig
from keras_bert.encoder import unpadded
from tests.encoder_test import INPUTS, MASK, SIZES, make_encoder, operations, run
from tests.layer_test_case import BACKEND, TOLERANCES, to_numpy


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize(
    "options", [{}, {"norm_first": True}, {"position_embedding_type": "sinusoidal", "hidden_act": "gelu_new"}]
)
def test_without_padding_tokens_get_the_same(options, policy):
    """In the padding there are zeros, and the first place of a row of padding alone counts for no other row."""
    config = BertConfig(**SIZES, **options)
    inputs = {name: np.concatenate([array, 0 * array[:1]]) for name, array in INPUTS.items()}
    inputs["padding_mask"][0, 2] = 0  # padding need not be at the end
    mask = inputs["padding_mask"]
    arguments = {"output_hidden_states": True, "output_attentions": True, "dtype": policy}
    encoder = make_encoder(config, **arguments)
    expected = run(encoder, inputs)
    with unpadded(encoder):
        found = run(encoder, inputs)
    for got, want in zip(found["hidden_states"][1:], expected["hidden_states"][1:], strict=True):
        assert_as_close(got[mask == 1], want[mask == 1], policy)
        assert not got[mask == 0].any()
    assert_as_close(found["pooled_output"][:3], expected["pooled_output"][:3], policy)
    for got, want in zip(found["attentions"], expected["attentions"], strict=True):
        got, want = (np.moveaxis(array, 1, 2)[mask == 1] for array in (got, want))
        assert_as_close(got, want, policy)
    again = run(encoder, inputs)
    tree.map_structure(np.testing.assert_array_equal, again, expected)


def assert_as_close(got, want, policy):
    np.testing.assert_allclose(got, want, atol=TOLERANCES[policy] * max(1, np.abs(want).max()) * 4)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="takes gradients with TensorFlow's tape")
@pytest.mark.parametrize("gradient_checkpointing", [False, True])
def test_without_padding_the_gradients_are_the_same(gradient_checkpointing):
    import tensorflow as tf

    rates = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    encoder = make_encoder(BertConfig(**SIZES, **rates), gradient_checkpointing=gradient_checkpointing)
    variables = [weight.value for weight in encoder.trainable_weights]

    def gradients(unpad):
        @tf.function
        def step():
            with tf.GradientTape() as tape:
                outputs = encoder(INPUTS, training=True)
                kept = outputs["sequence_output"] * tf.cast(MASK[:, :, None], tf.float32)
                loss = tf.reduce_sum(kept**3) + tf.reduce_sum(outputs["pooled_output"])
            return [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, variables)]

        with unpadded(encoder, unpad):
            return [to_numpy(gradient) for gradient in step()]

    for got, want in zip(gradients(True), gradients(False), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-4 * max(1, np.abs(want).max()))


def test_packed_rows_without_padding():
    inputs = {**INPUTS, "padding_mask": np.array([[1, 1, 2, 2, 2], [1, 1, 2, 0, 0], [1, 0, 0, 0, 0]], "int32")}
    mask = inputs["padding_mask"] > 0
    encoder = make_encoder(packing=True)
    expected = run(encoder, inputs)["sequence_output"]
    with unpadded(encoder):
        found = run(encoder, inputs)["sequence_output"]
    np.testing.assert_allclose(found[mask], expected[mask], atol=1e-5)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="looks into a TensorFlow graph")
def test_unpadding_costs_nothing_where_it_is_off():
    assert {"Where", "Cumsum"}.isdisjoint(operations())
    assert {"Where", "Cumsum"} <= operations(unpad=True)
