"""What a checkpoint says of an embedder, and what its caller says instead."""

import numpy as np
import pytest

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.errors import InputError
from keras_bert.tasks import BertEmbedder
from keras_bert.tasks.embedding.options import saved_options
from tests.tasks import tiny

# As earlier versions wrote it into keras_bert.json.
EARLIER = {"pooling": ["mean_tokens"], "normalize": False, "max_length": 9, "scale": 7.0}


def checkpoint(**sentence: object) -> Checkpoint:
    names = [f"bert.encoder.layer.{index}.x" for index in range(2)]
    return Checkpoint(tiny.config(), dict.fromkeys(names, np.zeros(1)), "there", extra={"sentence_embedding": sentence})


def test_a_caller_comes_before_the_checkpoint():
    settings, length = saved_options(
        BertEmbedder, checkpoint(**EARLIER, prompts={"a": "x"}), {"scale": 3.0, "prompts": {"b": "y"}}
    )
    assert settings == {"pooling": ["mean"], "normalize": False, "scale": 3.0, "prompts": {"a": "x", "b": "y"}}
    assert length == 9


def test_what_is_refused_may_be_replaced():
    refused = {"pooling": "the pooling 'median'", "activation_function": "the activation 'x'"}
    with pytest.raises(InputError, match="there: its vectors are made with the activation 'x', which is not known"):
        saved_options(BertEmbedder, checkpoint(refused=refused), {"pooling": "mean"})
    assert (
        saved_options(BertEmbedder, checkpoint(refused=refused), {"pooling": "mean", "modules": []})[0]["pooling"]
        == "mean"
    )
