"""Which blocks are left out, and what is no layer."""

import dataclasses

import numpy as np
import pytest

from keras_bert.checkpoints import Checkpoint, up_to_layer
from keras_bert.errors import InputError
from tests.checkpoints import small


def test_blocks_above_a_layer_are_left_out():
    names = [f"bert.encoder.layer.{index}.x" for index in range(2)]
    whole = Checkpoint(small.CONFIG, dict.fromkeys(names, np.zeros(1)), "there")
    for layer in (1, -2):
        cut = up_to_layer(whole, layer)
        assert (cut.config.num_hidden_layers, list(cut.tensors)) == (1, ["bert.encoder.layer.0.x"])
        assert cut.notes == ["the blocks above layer 1 of 2 are left out: as asked"]
    assert len(whole.tensors) == 2
    assert up_to_layer(whole, None) is whole
    for layer in (0, 3, -3):
        with pytest.raises(InputError, match=f"there is no layer {layer}; it has the layers 1 to 2"):
            up_to_layer(whole, layer)
    for layer in ("last", 1.0, True):
        with pytest.raises(InputError, match=f"layer is {layer!r}; expected a whole number, 1 to 2"):
            up_to_layer(whole, layer)
    config = dataclasses.replace(small.CONFIG, norm_first=True)
    with pytest.raises(InputError, match="the hidden states of its last block alone"):
        up_to_layer(dataclasses.replace(whole, config=config), 1)
