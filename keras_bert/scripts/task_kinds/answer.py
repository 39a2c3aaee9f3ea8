"""`--task=answer`: the part of a text that answers a question, or that there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.scripts.task_kinds.task_kind import ONE_VECTOR_FLAGS, TABLE_FLAGS, TaskKind

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_bert.checkpoints.checkpoint import Checkpoint
    from keras_bert.tasks import BertQuestionAnswerer

FLAGS = flags.FLAGS

flags.DEFINE_integer(
    "doc_stride", 128, "Tokens from the begin of one window of a text to that of the next.", lower_bound=1
)
flags.DEFINE_integer("max_question_length", 64, "Tokens of a question; more is cut off its end.", lower_bound=1)
flags.DEFINE_integer("max_answer_length", 30, "Tokens of an answer.", lower_bound=1)
flags.DEFINE_enum(
    "scoring", "squad", ["squad", "cmrc"], "How answers are compared: by words, or by Chinese characters."
)
flags.DEFINE_bool("strict_answers", False, "Refuse a file with an answer that does not stand at its answer_start.")

WINDOW = 384
"""The default of --max_length here, tokens of a window."""


class Answer(TaskKind):
    """Rows of SQuAD's layout; a `BertQuestionAnswerer`."""

    task_class = "BertQuestionAnswerer"
    scored_by = "numpy"
    refused = dict.fromkeys((*ONE_VECTOR_FLAGS, *TABLE_FLAGS), "which reads questions and texts in windows")

    def check_flags(self) -> None:
        """Refuses what goes with one vector a text; makes windows of 384 tokens unless another length is asked for."""
        super().check_flags()
        if not FLAGS["max_length"].present:
            FLAGS["max_length"].value = WINDOW

    def read(self, source: str, labels: list[str] | None = None) -> tf.data.Dataset:
        """Reads questions, texts and answers."""
        from keras_bert.data import read_squad

        del labels
        return read_squad(source, strict=FLAGS.strict_answers, encoding=FLAGS.encoding)

    def read_for(self, task: Any, source: str) -> tf.data.Dataset:
        """Reads questions, texts and answers; those that do not stand in their text count when answers are scored."""
        from keras_bert.data import read_squad

        del task
        return read_squad(source, encoding=FLAGS.encoding)

    def text_fields(self, task: Any) -> tuple[str, ...]:
        """Returns nothing: no flag names a field of SQuAD's layout."""
        del task
        return ()

    def build(self, checkpoint: Checkpoint, train: tf.data.Dataset, labels: list[str] | None) -> BertQuestionAnswerer:
        """Makes the model."""
        from keras_bert.tasks import BertQuestionAnswerer

        del train, labels
        return BertQuestionAnswerer.from_preset(
            checkpoint,
            max_length=FLAGS.max_length,
            dtype=FLAGS.dtype_policy,
            doc_stride=FLAGS.doc_stride,
            max_question_length=FLAGS.max_question_length,
            max_answer_length=FLAGS.max_answer_length,
            scoring=FLAGS.scoring,
        )
