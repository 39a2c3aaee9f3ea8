"""Pre-training examples: from text, straight or by way of compressed records."""

from keras_bert.data.pretraining.documents import is_held_out
from keras_bert.data.pretraining.examples import make_examples, packed_examples, pair_examples
from keras_bert.data.pretraining.pipeline import build_pretraining_data
from keras_bert.data.pretraining.record_stream import RecordStream
from keras_bert.data.pretraining.records import pretraining_records
from keras_bert.data.pretraining.text import pretraining_documents, pretraining_text

__all__ = [
    "RecordStream",
    "build_pretraining_data",
    "is_held_out",
    "make_examples",
    "packed_examples",
    "pair_examples",
    "pretraining_documents",
    "pretraining_records",
    "pretraining_text",
]
