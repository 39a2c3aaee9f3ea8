"""The head of question answering: each token's logits of beginning and of ending the answer."""

from typing import Any

import keras
from keras import ops

from keras_bert.encoder import BertEncoder
from keras_bert.layers.linear import Linear
from keras_bert.tasks.question_answering.spans import IMPOSSIBLE


def span_head(encoder: BertEncoder) -> tuple[Any, Linear]:
    """Puts a head on an encoder.

    Args:
        encoder: The encoder.

    Returns:
        float32 (batch, 2, tokens), symbolic: logits of first and last tokens, `IMPOSSIBLE` but for `[CLS]` and the
        context; and the head's layer.
    """
    head = Linear(2, initializer_range=encoder.config.initializer_range, dtype=encoder.dtype_policy, name="qa_outputs")
    logits = head(encoder(encoder.input)["sequence_output"])
    logits = keras.layers.Activation("linear", dtype="float32", name="logits")(logits)
    # The context is segment 1, but for the [SEP] at its end, behind which no segment 1 comes.
    segments = encoder.input["segment_ids"]
    within = segments[:, 1:] * ops.pad(segments[:, 2:], [[0, 0], [0, 1]])
    possible = ops.concatenate([ops.ones_like(segments[:, :1]), within], axis=1)
    return ops.where(ops.expand_dims(possible, 1) > 0, ops.transpose(logits, (0, 2, 1)), IMPOSSIBLE), head
