"""Where rows come from, and how they become batches."""

from keras_bert.data.batching.batches import batches, padding_share
from keras_bert.data.batching.static_shapes import bucket_widths, static_shapes
from keras_bert.data.memory.rows import rows
from keras_bert.data.question_rows import question_rows
from keras_bert.data.read_choices import read_choices
from keras_bert.data.read_targets import read_targets
from keras_bert.data.shards.prepared import PreparedExamples
from keras_bert.data.sources.labels import label_names
from keras_bert.data.sources.read import read
from keras_bert.data.squad_file import read_squad
from keras_bert.data.tags import tag_schemes
from keras_bert.data.tags.read_tags import read_tags, tag_labels
from keras_bert.data.tags.tag_rows import tag_rows
from keras_bert.data.target_rows import target_rows

__all__ = [
    "PreparedExamples",
    "batches",
    "bucket_widths",
    "label_names",
    "padding_share",
    "question_rows",
    "read",
    "read_choices",
    "read_squad",
    "read_tags",
    "read_targets",
    "rows",
    "static_shapes",
    "tag_labels",
    "tag_rows",
    "tag_schemes",
    "target_rows",
]
