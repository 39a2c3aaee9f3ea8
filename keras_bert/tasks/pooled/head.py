"""The head of tasks that read one vector a text."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.layers.linear import Linear
from keras_bert.layers.marker_pooling import MarkerPooling
from keras_bert.layers.token_pooling import MODES, TokenPooling

ARCHITECTURE = "BertForSequenceClassification"
POOLINGS = ("pooler", *MODES)
MARKERS = "markers"


def pooled_head(encoder: BertEncoder, units: int, pooling: str, marker_ids: Sequence[int] = ()) -> tuple[Any, Linear]:
    """Builds pooling → dropout → linear on an encoder.

    Args:
        encoder: The encoder.
        units: Outputs a text.
        pooling: `"pooler"`, or the `"cls"`, `"mean"` or `"max"` of the hidden states; or `"markers"`, those of some
            tokens side by side.
        marker_ids: Ids of these tokens.

    Returns:
        The head's symbolic output, float32 (batch, units), and its linear layer.

    Raises:
        InputError: There is no such pooling, or the encoder's pooler is missing or would never be used.

    References:
        Devlin et al. 2018, arXiv:1810.04805, section 4.1; google-research/bert, run_classifier.py,
        `create_model`.
    """
    if pooling not in (*POOLINGS, MARKERS):
        raise InputError(f"pooling must be one of {', '.join((*POOLINGS, MARKERS))}, received: {pooling!r}")
    if (pooling == MARKERS) != bool(marker_ids):
        raise InputError(f"pooling={pooling!r} and markers in the text go together; pooling='markers' reads them")
    if (pooling == "pooler") != encoder.use_pooler:
        raise InputError(
            f"pooling={pooling!r} needs an encoder with use_pooler={pooling == 'pooler'}, "
            f"this one has use_pooler={encoder.use_pooler}"
        )
    config, policy = encoder.config, encoder.dtype_policy
    outputs = encoder(encoder.input)
    if pooling == "pooler":
        pooled = outputs["pooled_output"]
    elif pooling == MARKERS:
        layer = MarkerPooling(marker_ids, dtype=policy, name="pooling")
        pooled = layer(outputs["sequence_output"], encoder.input["token_ids"])
    else:
        mask = encoder.input["padding_mask"]
        pooled = TokenPooling(pooling, dtype=policy, name="pooling")(outputs["sequence_output"], mask)
    dropped = keras.layers.Dropout(config.head_dropout_prob, dtype=policy, name="head_dropout")(pooled)
    linear = Linear(units, initializer_range=config.initializer_range, dtype=policy, name="classifier")
    logits = linear(dropped)
    return keras.layers.Activation("linear", dtype="float32", name="logits")(logits), linear


def problem_type_of(checkpoint: Checkpoint) -> str | None:
    """Says what the head of a checkpoint was trained for; None where it has no head on one vector a text.

    Args:
        checkpoint: An opened checkpoint.

    References:
        transformers, modeling_bert.py, `BertForSequenceClassification.forward`: a head whose config does not
        say is regression with one output and classification with more.
    """
    weight = checkpoint.tensors.get("classifier.weight")
    if weight is None or ARCHITECTURE not in (checkpoint.metadata.get("architectures") or ()):
        return None
    told = checkpoint.metadata.get("problem_type")
    return told or ("regression" if len(weight) == 1 else "single_label_classification")
