"""Modules between pooling and vector: settings in full, and names of weights; numbers in sentence_transformers_test."""

from typing import Any

import keras
import pytest

from keras_bert.errors import InputError
from keras_bert.tasks.embedding.modules import full_modules, module_layers, module_weights


def test_settings_are_filled_in():
    assert full_modules([{"kind": "Dense", "units": 3, "use_bias": False}, {"kind": "Normalize"}]) == (
        {"kind": "Dense", "units": 3, "activation": "tanh", "use_bias": False, "use_residual": False},
        {"kind": "Normalize"},
    )


def test_weights_are_named_by_the_folder_of_their_module():
    modules = [{"kind": "Normalize"}, {"kind": "Dense", "units": 3, "use_residual": True}, {"kind": "LayerNorm"}]
    layers = module_layers(full_modules(modules))
    vectors = keras.ops.ones((1, 4))
    for layer in layers:
        vectors = layer(vectors)
    assert [(weight.name, weight.shape) for weight in module_weights(layers)] == [
        ("3_Dense/linear.weight", (3, 4)),
        ("3_Dense/linear.bias", (3,)),
        ("3_Dense/residual.weight", (3, 4)),
        ("4_LayerNorm/norm.weight", (3,)),
        ("4_LayerNorm/norm.bias", (3,)),
    ]


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ({}, "the kind of a module must be one of Dense"),
        ({"kind": "Dense"}, "a module Dense needs units, a positive number, received: None"),
        ({"kind": "Dense", "units": 3, "activation": "elu"}, "activation must be one of identity"),
        ({"kind": "LayerNorm", "units": 3}, "a module LayerNorm has no 'units'; it has: nothing"),
    ],
)
def test_what_is_not_known_is_refused(module: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        full_modules([module])
