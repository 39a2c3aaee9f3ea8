"""The head of tasks that label each token."""

from typing import Any

import keras

from keras_bert.checkpoints.heads import TOKENS
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.layers.dropout import Dropout
from keras_bert.layers.linear import Linear

ARCHITECTURE = TOKENS


def token_head(encoder: BertEncoder, units: int) -> tuple[Any, Linear]:
    """Builds dropout → linear on the hidden state of each token.

    Args:
        encoder: The encoder, without a pooler.
        units: Outputs a token.

    Returns:
        The head's symbolic output, float32 (batch, tokens, units), and its linear layer.

    Raises:
        InputError: The encoder has a pooler, which would never be used.

    References:
        Devlin et al. 2018, arXiv:1810.04805, section 5.3; transformers, modeling_bert.py,
        `BertForTokenClassification`.
    """
    if encoder.use_pooler:
        raise InputError("the head reads no pooled output: it needs an encoder with use_pooler=False")
    config, policy = encoder.config, encoder.dtype_policy
    hidden = encoder(encoder.input)["sequence_output"]
    dropped = Dropout(config.head_dropout_prob, dtype=policy, name="head_dropout")(hidden)
    linear = Linear(units, initializer_range=config.initializer_range, dtype=policy, name="classifier")
    return keras.layers.Activation("linear", dtype="float32", name="logits")(linear(dropped)), linear
