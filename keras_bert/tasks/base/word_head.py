"""The head that gives words: made for an encoder, its weights in a Hugging Face folder, and its settings."""

from typing import Any

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.mapping import Weight, dense_weights, norm_weights, variable_weight
from keras_bert.encoder import BertEncoder
from keras_bert.kinds import check_kinds
from keras_bert.layers.masked_lm_head import MaskedLMHead
from keras_bert.layers.word_table import WordTable


def word_head(
    encoder: BertEncoder, activation: str | None, epsilon: float | None, name: str, **more: Any
) -> MaskedLMHead:
    """Makes a fresh word head for an encoder, which has the encoder's activation and epsilon unless told otherwise.

    Args:
        encoder: The encoder.
        activation: Name of the activation; None takes the encoder's.
        epsilon: Of the layer normalization; None takes the encoder's.
        name: The layer's name.
        **more: Further arguments of `MaskedLMHead`.
    """
    config = encoder.config
    return MaskedLMHead(
        config.vocab_size,
        activation=activation or config.hidden_act,
        layer_norm_epsilon=config.layer_norm_eps if epsilon is None else epsilon,
        initializer_range=config.initializer_range,
        dtype=encoder.dtype_policy,
        name=name,
        **more,
    )


def word_logits(encoder: BertEncoder, head: MaskedLMHead, sequence_output: Any, places: Any) -> Any:
    """Reads words off hidden states at some places, by the encoder's own word table: symbolic.

    Args:
        encoder: The encoder.
        head: The word head.
        sequence_output: float (batch, tokens, size).
        places: int32 (batch, predictions).

    Returns:
        float (batch, predictions, vocabulary).
    """
    table = WordTable(encoder.embeddings, dtype=encoder.dtype_policy, name="word_table")(encoder.input["token_ids"])
    return head(sequence_output, places, table)


def word_head_weights(head: MaskedLMHead) -> list[Weight]:
    """Returns the weights of a masked-word or language-model head; its output matrix is the word table."""
    return [
        variable_weight("cls.predictions.bias", head.bias),
        *dense_weights("cls.predictions.transform.dense", head.dense),
        *norm_weights("cls.predictions.transform.LayerNorm", head.layer_norm),
    ]


def word_head_settings(checkpoint: Checkpoint) -> dict[str, Any]:
    """Returns `head_activation` and `head_layer_norm_eps` as a folder keeps them, whichever task wrote it, or None."""
    masked, written = checkpoint.extra.get("masked_lm", {}), checkpoint.extra.get("generation", {})
    check_kinds(_kept, {**written, **masked}, checkpoint.source)
    return {
        "head_activation": masked.get("hidden_act", written.get("head_activation")),
        "head_layer_norm_eps": masked.get("layer_norm_eps", written.get("head_layer_norm_eps")),
    }


def _kept(
    hidden_act: str | None,
    head_activation: str | None,
    layer_norm_eps: float | None,
    head_layer_norm_eps: float | None,
) -> None:
    """Takes what is kept of a head, for its kinds alone."""
