"""`--task=regress`: a number for a text or a pair of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.scripts.task_kinds.task_kind import TaskKind

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_bert.checkpoints.checkpoint import Checkpoint
    from keras_bert.tasks import BertRegressor

FLAGS = flags.FLAGS


class Regress(TaskKind):
    """Rows with a number each; a `BertRegressor`."""

    reads_long_texts = True
    task_class = "BertRegressor"
    scores_examples = True
    scored_by = "scipy.stats"

    def read(self, source: str, labels: list[str] | None = None) -> tf.data.Dataset:
        """Reads rows whose label is a number."""
        del labels
        return self.read_rows(source, label_type="number")

    def read_for(self, task: Any, source: str) -> tf.data.Dataset:
        """Reads rows whose label is a number."""
        del task
        return self.read(source)

    def build(self, checkpoint: Checkpoint, train: tf.data.Dataset, labels: list[str] | None) -> BertRegressor:
        """Makes the regressor."""
        from keras_bert.tasks import BertRegressor

        del train, labels
        return BertRegressor.from_preset(
            checkpoint,
            pooling=self.pooling(),
            new_pooler=FLAGS.new_pooler,
            text_pair=FLAGS.text_pair is not None,
            **self.model_options(),
        )
