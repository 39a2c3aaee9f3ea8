"""`--task=tag`: labels of words: entities, parts of speech."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.scripts import row_flags
from keras_bert.scripts.task_kinds.task_kind import ONE_VECTOR_FLAGS, TABLE_FLAGS, TaskKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    import tensorflow as tf

    from keras_bert.checkpoints.checkpoint import Checkpoint
    from keras_bert.tasks import BertTokenClassifier

FLAGS = flags.FLAGS

flags.DEFINE_bool("document_context", False, "The neighbours of a sentence in its document are its context.")
flags.DEFINE_bool("label_all_pieces", False, "Learn from all pieces of a word, not from its first alone.")
flags.DEFINE_bool("constrained", True, "Answer only sequences of labels that their scheme allows.")


class Tag(TaskKind):
    """Rows with a label for each word; a `BertTokenClassifier`."""

    own_window_flags = ("window_stride",)
    task_class = "BertTokenClassifier"
    counts_labels = True
    scored_by = "seqeval.metrics"
    refused = dict.fromkeys((*ONE_VECTOR_FLAGS, *TABLE_FLAGS), "which labels the words of one text")

    def read(self, source: str, labels: list[str] | None = None) -> tf.data.Dataset:
        """Reads rows of tagged words."""
        return row_flags.read_tagged_rows(source, labels=labels, need_documents=FLAGS.document_context)

    def read_for(self, task: Any, source: str) -> tf.data.Dataset:
        """Reads rows with the labels that a model knows."""
        # Labels that were learnt as they were are no others in the rows to score.
        scheme = {"scheme": task.scheme} if task.scheme in ("plain", "IO") and not FLAGS["tag_scheme"].present else {}
        return row_flags.read_tagged_rows(
            source, labels=task.row_labels, need_documents=task.document_context, **scheme
        )

    def labels(self, train: tf.data.Dataset) -> list[str] | None:
        """Returns the labels for the training rows."""
        from keras_bert.data import tag_labels

        return tag_labels(train)

    def labels_of(self, counts: Mapping[str, int]) -> list[str] | None:
        """Returns the labels for rows with these tags."""
        from keras_bert.data.tags.read_tags import labels_for

        return labels_for(counts)

    def build(self, checkpoint: Checkpoint, train: tf.data.Dataset, labels: list[str] | None) -> BertTokenClassifier:
        """Makes the model."""
        from keras_bert.tasks import BertTokenClassifier

        del train
        return BertTokenClassifier.from_preset(
            checkpoint,
            labels=labels,
            scheme="plain" if FLAGS.tag_scheme == "plain" else None,
            max_length=FLAGS.max_length,
            dtype=FLAGS.dtype_policy,
            constrained=FLAGS.constrained,
            stride=FLAGS.window_stride,
            pieces="all" if FLAGS.label_all_pieces else "first",
            document_context=FLAGS.document_context,
            word_separator=FLAGS.word_separator,
        )
