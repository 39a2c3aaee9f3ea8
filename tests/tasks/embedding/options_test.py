"""What a checkpoint says of an embedder, and what its caller says instead."""

import numpy as np
import pytest

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.errors import InputError
from keras_bert.tasks.embedding.options import saved_options, up_to_layer
from tests.tasks import tiny

# As earlier versions wrote it into keras_bert.json.
EARLIER = {"pooling": ["mean_tokens"], "normalize": False, "max_length": 9, "scale": 7.0}


def checkpoint(**sentence: object) -> Checkpoint:
    names = [f"bert.encoder.layer.{index}.x" for index in range(2)]
    return Checkpoint(tiny.config(), dict.fromkeys(names, np.zeros(1)), "there", extra={"sentence_embedding": sentence})


def test_a_caller_comes_before_the_checkpoint():
    settings, length = saved_options(checkpoint(**EARLIER, prompts={"a": "x"}), {"scale": 3.0, "prompts": {"b": "y"}})
    assert settings == {"pooling": ["mean"], "normalize": False, "scale": 3.0, "prompts": {"a": "x", "b": "y"}}
    assert length == 9


def test_what_is_refused_may_be_replaced():
    refused = {"pooling": "the pooling 'median'", "activation_function": "the activation 'x'"}
    with pytest.raises(InputError, match="there: its vectors are made with the activation 'x', which is not known"):
        saved_options(checkpoint(refused=refused), {"pooling": "mean"})
    assert saved_options(checkpoint(refused=refused), {"pooling": "mean", "modules": []})[0]["pooling"] == "mean"


def test_blocks_above_a_layer_are_left_out():
    whole = checkpoint()
    for layer in (1, -2):
        cut = up_to_layer(whole, layer)
        assert (cut.config.num_hidden_layers, list(cut.tensors)) == (1, ["bert.encoder.layer.0.x"])
        assert cut.notes == ["the blocks above layer 1 of 2 are left out: as asked"]
    assert len(whole.tensors) == 2
    for layer in (0, 3, -3):
        with pytest.raises(InputError, match=f"there is no layer {layer}; it has the layers 1 to 2"):
            up_to_layer(whole, layer)
