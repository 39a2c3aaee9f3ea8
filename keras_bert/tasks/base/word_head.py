"""The word head's weights by their names in a Hugging Face folder."""

from keras_bert.checkpoints.mapping import Weight, dense_weights, norm_weights, variable_weight
from keras_bert.layers.masked_lm_head import MaskedLMHead


def word_head_weights(head: MaskedLMHead) -> list[Weight]:
    """Returns the weights of a masked-word or language-model head; its output matrix is the word table."""
    return [
        variable_weight("cls.predictions.bias", head.bias),
        *dense_weights("cls.predictions.transform.dense", head.dense),
        *norm_weights("cls.predictions.transform.LayerNorm", head.layer_norm),
    ]
