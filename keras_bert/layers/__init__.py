"""Tensors to tensors: the layers of BERT, in `keras.ops` alone, so that they run on every Keras backend."""

from keras_bert.layers.attention_bias import AttentionBias
from keras_bert.layers.bert_embeddings import BertEmbeddings
from keras_bert.layers.dropout import Dropout, dropout_by_example
from keras_bert.layers.encoder_block import EncoderBlock
from keras_bert.layers.layer_norm import LayerNorm
from keras_bert.layers.linear import Linear
from keras_bert.layers.masked_lm_head import MaskedLMHead
from keras_bert.layers.pooler import Pooler
from keras_bert.layers.projection import Projection
from keras_bert.layers.self_attention import SelfAttention
from keras_bert.layers.token_pooling import TokenPooling
from keras_bert.layers.tokens import FlattenTokens, UnflattenTokens
from keras_bert.layers.word_table import WordTable

__all__ = [
    "AttentionBias",
    "BertEmbeddings",
    "Dropout",
    "EncoderBlock",
    "FlattenTokens",
    "LayerNorm",
    "Linear",
    "MaskedLMHead",
    "Pooler",
    "Projection",
    "SelfAttention",
    "TokenPooling",
    "UnflattenTokens",
    "WordTable",
    "dropout_by_example",
]
