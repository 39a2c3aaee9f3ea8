"""The next-sentence head over rows that hold several examples, each with its own `[CLS]`."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_bert.encoder import BertEncoder
from keras_bert.layers.gather_tokens import GatherTokens
from keras_bert.layers.linear import Linear
from keras_bert.layers.tokens import UnflattenTokens


def next_sentence_logits(encoder: BertEncoder, head: Linear, sequence_output: Any, cls_positions: Any) -> Any:
    """Reads each example's logits from its own `[CLS]`, by way of the encoder's pooler.

    Args:
        encoder: With a pooler.
        head: The next-sentence head.
        sequence_output: float (rows, tokens, size), symbolic.
        cls_positions: int32 (rows, examples), symbolic.

    Returns:
        float (rows, examples, 2), symbolic.
    """
    assert encoder.pooler is not None
    policy = encoder.dtype_policy
    first = GatherTokens(dtype=policy, name="cls_tokens")(sequence_output, cls_positions)
    return UnflattenTokens(dtype=policy, name="of_examples")(head(encoder.pooler.dense(first)), cls_positions)


def one_example_a_row(model: keras.Model, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Completes plain inputs for a model that takes `cls_positions`; others get what is given."""
    if "cls_positions" not in model.input:
        return dict(inputs)
    return {**inputs, "cls_positions": tf.zeros_like(inputs["token_ids"][:, :1])}
