"""The head of tasks that read one vector a text."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.heads import (
    CLASSIFIER,
    OWN_SEQUENCES,
    SEQUENCES,
    cross_encoder_activation,
    has_head,
    is_cross_encoder,
)
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.layers.dropout import Dropout
from keras_bert.layers.linear import Linear
from keras_bert.layers.marker_pooling import MarkerPooling
from keras_bert.layers.token_pooling import MODES, TokenPooling
from keras_bert.tasks.base.long_texts import WindowReading

ARCHITECTURE = SEQUENCES
REGRESSION, SINGLE_LABEL, MULTI_LABEL = PROBLEM_TYPES = (
    "regression",
    "single_label_classification",
    "multi_label_classification",
)
POOLINGS = ("pooler", *MODES)
MARKERS = "markers"


def pooled_head(
    encoder: BertEncoder,
    units: int,
    pooling: str,
    marker_ids: Sequence[int] = (),
    reading: WindowReading | None = None,
) -> tuple[Any, Linear]:
    """Builds pooling → dropout → linear on an encoder.

    Args:
        encoder: The encoder.
        units: Outputs a text.
        pooling: `"pooler"`, or the `"cls"`, `"mean"` or `"max"` of the hidden states; or `"markers"`, those of some
            tokens side by side.
        marker_ids: Ids of these tokens.
        reading: How long texts are read; None: as they are.

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
    if pooling == MARKERS and reading is not None and reading.inputs is not None:
        raise InputError("pooling='markers' needs both markers in one window; long_texts='windows' does not go with it")
    if (pooling == "pooler") != encoder.use_pooler:
        raise InputError(
            f"pooling={pooling!r} needs an encoder with use_pooler={pooling == 'pooler'}, "
            f"this one has use_pooler={encoder.use_pooler}"
        )
    config, policy = encoder.config, encoder.dtype_policy
    inputs = encoder.input if reading is None else reading.flat
    outputs = encoder(inputs)
    if pooling == "pooler":
        pooled = outputs["pooled_output"]
    elif pooling == MARKERS:
        layer = MarkerPooling(marker_ids, dtype=policy, name="pooling")
        pooled = layer(outputs["sequence_output"], inputs["token_ids"])
    else:
        mask = inputs["padding_mask"]
        pooled = TokenPooling(pooling, dtype=policy, name="pooling")(outputs["sequence_output"], mask)
    pooled = pooled if reading is None else reading.pooled(pooled)
    dropped = Dropout(config.head_dropout_prob, dtype=policy, name="head_dropout")(pooled)
    linear = Linear(units, initializer_range=config.initializer_range, dtype=policy, name="classifier")
    logits = linear(dropped)
    return keras.layers.Activation("linear", dtype="float32", name="logits")(logits), linear


def own_architecture(pooling: str) -> dict[str, list[str]]:
    """Names the class of a saved head where transformers' own would read another vector: fields of `config.json`."""
    return {} if pooling == "pooler" else {"architectures": [OWN_SEQUENCES]}


def problem_type_of(checkpoint: Checkpoint) -> str | None:
    """Says what the head of a checkpoint was trained for; None where it has no head on one vector a text.

    Args:
        checkpoint: An opened checkpoint.

    References:
        transformers, modeling_bert.py, `BertForSequenceClassification.forward`: a head whose config does not
        say is regression with one output and classification with more.
    """
    if not has_head(checkpoint, SEQUENCES):
        return None
    outputs = len(checkpoint.tensors[CLASSIFIER])
    told = checkpoint.metadata.get("problem_type")
    if told in PROBLEM_TYPES and (told, outputs) != (SINGLE_LABEL, 1):  # one class is no choice
        return told
    if outputs == 1:
        return REGRESSION
    # A cross-encoder of sentence-transformers: a probability for each output by itself.
    each = is_cross_encoder(checkpoint.metadata) and cross_encoder_activation(checkpoint.metadata, outputs) == "Sigmoid"
    return MULTI_LABEL if each else SINGLE_LABEL


def classes_of(checkpoint: Checkpoint) -> tuple[list[str] | None, str | None]:
    """Returns the classes and the problem type of a checkpoint that holds a classifier."""
    problem_type = problem_type_of(checkpoint)
    return (checkpoint.labels, problem_type) if problem_type in (SINGLE_LABEL, MULTI_LABEL) else (None, None)


def takes_pairs(checkpoint: Checkpoint) -> bool:
    """Says whether the head of a checkpoint was trained on pairs of texts, as far as its files tell.

    `keras_bert.json` does, and a `CrossEncoder` of sentence-transformers always takes pairs; Hugging Face does not
    record it.
    """
    return bool(checkpoint.extra.get("text_pair", is_cross_encoder(checkpoint.metadata)))
