"""Strings and ids: normalization, WordPiece and byte-pair tokenization, packing for BERT, in TensorFlow graph ops."""

from keras_bert.text.added_tokens import AddedToken
from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.masks.masking import TokenMasker
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.token_layer import TokenLayer
from keras_bert.text.vocabulary import check_vocabulary, load_vocabulary, save_vocabulary
from keras_bert.text.word_piece.tokenizer import BertTokenizer

__all__ = [
    "AddedToken",
    "BertPreprocessor",
    "BertTokenizer",
    "BytePairTokenizer",
    "TokenLayer",
    "TokenMasker",
    "check_vocabulary",
    "load_vocabulary",
    "save_vocabulary",
]
