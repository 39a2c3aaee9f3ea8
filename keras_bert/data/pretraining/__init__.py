"""Pre-training examples: from text, straight or by way of compressed records."""

from keras_bert.data.pretraining.documents import is_held_out
from keras_bert.data.pretraining.examples import make_examples, packed_examples, pair_examples
from keras_bert.data.pretraining.text import pretraining_documents, pretraining_text

__all__ = [
    "is_held_out",
    "make_examples",
    "packed_examples",
    "pair_examples",
    "pretraining_documents",
    "pretraining_text",
]
