"""The examples in the docstrings of the config, the layers and the encoder run, and give what they say."""

import doctest
import importlib
import pkgutil

import pytest

import keras_bert.layers

MODULES = ["keras_bert.config", "keras_bert.encoder"]
MODULES += [found.name for found in pkgutil.iter_modules(keras_bert.layers.__path__, "keras_bert.layers.")]
# Without an example: their call takes what another layer makes, and the encoder's example shows them all.
WITHOUT = {"bias_add", "cached_attention"}


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    results = doctest.testmod(importlib.import_module(name))
    assert results.failed == 0
    assert (results.attempted == 0) == (name.rpartition(".")[2] in WITHOUT)
