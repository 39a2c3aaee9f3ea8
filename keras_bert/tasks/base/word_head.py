"""The word head's weights by their names in a Hugging Face folder, and the settings that it has no place for."""

from typing import Any

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.mapping import Weight, dense_weights, norm_weights, variable_weight
from keras_bert.layers.masked_lm_head import MaskedLMHead


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
    return {
        "head_activation": masked.get("hidden_act", written.get("head_activation")),
        "head_layer_norm_eps": masked.get("layer_norm_eps", written.get("head_layer_norm_eps")),
    }
