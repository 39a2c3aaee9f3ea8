"""The list of names and shapes is that of the encoder itself, for every kind of encoder."""

import dataclasses

import pytest

from keras_bert.checkpoints import encoder_weights
from keras_bert.checkpoints.names import encoder_shapes
from keras_bert.encoder import BertEncoder
from tests.checkpoints import small


@pytest.mark.parametrize(
    "changes", [{}, {"norm_first": True}, {"position_embedding_type": "sinusoidal"}, {"type_vocab_size": 3}]
)
def test_names_and_shapes_are_those_of_the_encoder(changes):
    config = dataclasses.replace(small.CONFIG, **changes)
    weights = encoder_weights(BertEncoder(config))
    assert encoder_shapes(config) == {weight.name: weight.shape for weight in weights}
    assert list(encoder_shapes(config)) == [weight.name for weight in weights]
    assert all(weight.read().shape == weight.shape for weight in weights)


def test_every_variable_of_the_encoder_is_mapped():
    encoder = BertEncoder(small.CONFIG)
    mapped = sum(weight.read().size for weight in encoder_weights(encoder))
    assert mapped == encoder.count_params()
