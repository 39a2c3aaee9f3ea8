"""`--task=choose`: which of several choices goes with a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from absl import flags

from keras_bert.errors import InputError
from keras_bert.scripts import row_flags
from keras_bert.scripts.task_kinds.task_kind import TaskKind

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_bert.checkpoints.checkpoint import Checkpoint
    from keras_bert.tasks import BertMultipleChoice

FLAGS = flags.FLAGS


class Choose(TaskKind):
    """Rows with a text, choices and the number of the right one; a `BertMultipleChoice`."""

    task_class = "BertMultipleChoice"
    scores_examples = True
    refused: ClassVar = {
        "text_pair": "whose second texts are the --choices",
        "weight": "whose rows all weigh alike",
    }

    def check_flags(self) -> None:
        """Refuses rows without choices, or with a second text beside them."""
        if not FLAGS.choices:
            raise InputError("--task=choose needs the columns of the choices, --choices=ending0,ending1,...")
        super().check_flags()

    def read(self, source: str, labels: list[str] | None = None) -> tf.data.Dataset:
        """Reads rows of choices."""
        del labels
        return row_flags.read_choice_rows(source)

    def read_for(self, task: Any, source: str) -> tf.data.Dataset:
        """Reads rows of choices, any number of them."""
        del task
        return row_flags.read_choice_rows(source)

    def build(self, checkpoint: Checkpoint, train: tf.data.Dataset, labels: list[str] | None) -> BertMultipleChoice:
        """Makes the model."""
        from keras_bert.tasks import BertMultipleChoice

        del train, labels
        return BertMultipleChoice.from_preset(
            checkpoint,
            pooling=self.pooling(),
            new_pooler=FLAGS.new_pooler,
            question=FLAGS.question is not None,
            **self.model_options(),
        )
