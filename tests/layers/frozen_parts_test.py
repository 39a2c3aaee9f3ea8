"""What is frozen inside layers, as names, and back."""

import keras
import pytest

from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.layers.frozen_parts import freeze_parts, frozen_parts, is_frozen
from tests.tasks import tiny


def encoder() -> BertEncoder:
    return BertEncoder(tiny.config())


def trained(model: keras.Model) -> list[str]:
    return [weight.path.split("/", 1)[1] for weight in model.trainable_weights]


def test_a_part_stands_for_all_below_it():
    model = encoder()
    model.blocks[0].trainable = False
    model.blocks[1].attention.qkv.trainable = False
    model.pooler.dense.bias.trainable = False
    assert frozen_parts(model) == ["block_0", "block_1/attention/qkv", "pooler/dense/bias"]
    other = encoder()
    freeze_parts(other, frozen_parts(model))
    assert trained(other) == trained(model)
    assert not other.blocks[0].output_dense.trainable


def test_what_trains_again_inside_a_frozen_part_still_does():
    model = encoder()
    model.trainable = False
    model.blocks[1].trainable = True
    assert not is_frozen(model)
    other = encoder()
    freeze_parts(other, frozen_parts(model))
    assert {id(weight) for weight in other.trainable_weights} == {id(weight) for weight in other.blocks[1].weights}


def test_frozen_as_a_whole():
    model = encoder()
    assert frozen_parts(model) == []
    model.trainable = False
    assert is_frozen(model)
    assert len(frozen_parts(model)) == len(model.layers)


def test_a_model_made_frozen_is_frozen_inside_another():
    frozen = BertEncoder(tiny.config(), trainable=False)
    outer = keras.Model(frozen.input, frozen(frozen.input)["pooled_output"])
    assert frozen.weights
    assert outer.trainable_weights == []


def test_parts_in_lists_are_found():
    class Layer(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.parts = [keras.layers.Dense(1), keras.layers.Dense(1)]

    layer = Layer()
    layer.parts[1].trainable = False
    assert frozen_parts(layer) == ["parts.1"]
    assert frozen_parts(layer, leave_out=[layer.parts[1]]) == []


def test_a_part_that_is_not_there_is_named():
    with pytest.raises(InputError, match="no part 'block_9' of 'block_9/attention' to freeze; there are: "):
        freeze_parts(encoder(), ["block_9/attention"])
