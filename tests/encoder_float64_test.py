"""In float64 the encoder is float64 throughout: gradients, and theirs, are the differences of what they are of."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.config import BertConfig
from keras_bert.encoder import BertEncoder
from tests.layer_test_case import randomize

MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], "int32")
INPUTS = {"token_ids": MASK * [[3, 7, 1, 4, 4], [5, 5, 2, 0, 0]], "segment_ids": 0 * MASK, "padding_mask": MASK}


def make_encoder(gradient_checkpointing: bool) -> BertEncoder:
    sizes = {"vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = BertConfig(
        **sizes, intermediate_size=12, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, hidden_act="gelu"
    )
    encoder = BertEncoder(config, dtype="float64", gradient_checkpointing=gradient_checkpointing)
    randomize(encoder, 0, 0.4)
    return encoder


def value(encoder: BertEncoder) -> tf.Tensor:
    """Something of the outputs that is curved in every weight."""
    return tf.reduce_sum(tf.sin(encoder(INPUTS, training=True)["pooled_output"] * [1.0, 2, 3, 4, 5, 6, 7, 8]))


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="takes gradients with TensorFlow's tape")
@pytest.mark.parametrize("gradient_checkpointing", [False, True])
def test_first_and_second_derivatives(gradient_checkpointing: bool):
    encoder = make_encoder(gradient_checkpointing)
    variables = [weight.value for weight in encoder.trainable_weights]
    random = np.random.default_rng(1)
    direction = [tf.constant(random.normal(size=variable.shape)) for variable in variables]

    def along(gradients: list[tf.Tensor]) -> tf.Tensor:
        return tf.add_n([tf.reduce_sum(g * d) for g, d in zip(gradients, direction, strict=True)])

    @tf.function
    def derivatives() -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as outer:
            with tf.GradientTape() as tape:
                result = value(encoder)
            slope = along([tf.convert_to_tensor(gradient) for gradient in tape.gradient(result, variables)])
        curvature = along([tf.convert_to_tensor(gradient) for gradient in outer.gradient(slope, variables)])
        return result, slope, curvature

    found, step = {}, 1e-4
    start = [variable.numpy() for variable in variables]
    for count in (0, -1, 1):
        for variable, before, part in zip(variables, start, direction, strict=True):
            variable.assign(before + count * step * part)
        found[count] = [float(each) for each in derivatives()]
    _, slope, curvature = found[0]
    assert slope == pytest.approx((found[1][0] - found[-1][0]) / (2 * step), rel=1e-5)
    assert curvature == pytest.approx((found[1][1] - found[-1][1]) / (2 * step), rel=1e-5)
    # In float32 the difference of two values, of the order of 1, has an error of 1e-3 of the slope.
    assert abs(slope) > 1e-2
    assert abs(curvature) > 1e-2
