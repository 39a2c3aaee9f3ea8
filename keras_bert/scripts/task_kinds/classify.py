"""`--task=classify`: a class, or several, for a text or a pair of texts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.errors import InputError
from keras_bert.foreign_files import loads_json
from keras_bert.scripts import smoothing_flags
from keras_bert.scripts.task_kinds.task_kind import LabelCounts, TaskKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    import tensorflow as tf

    from keras_bert.checkpoints.checkpoint import Checkpoint
    from keras_bert.tasks import BertClassifier

FLAGS = flags.FLAGS

flags.DEFINE_bool("multi_label", False, "A row may have several classes, or none.")
flags.DEFINE_string("class_weights", None, "'balanced', or JSON such as {\"rare\": 5}: weight of a class in the loss.")


class Classify(TaskKind):
    """Rows with a class each, or with `--multi_label` any number of them; a `BertClassifier`."""

    reads_long_texts = True
    task_class = "BertClassifier"
    scores_examples = True
    own_poolings = ("pooler", "markers")
    more_flags = (smoothing_flags,)
    names_classes = True
    counts_labels = True

    def __init__(self) -> None:
        self._counted: tuple[Any, dict[str, int]] = (None, {})

    def _counts(self, train: tf.data.Dataset) -> dict[str, int]:
        """Returns how often each class is there; the rows are gone through once for all who ask."""
        from keras_bert.data.sources.labels import label_counts

        if isinstance(train, LabelCounts):
            return dict(train.counts)
        if self._counted[0] is not train:
            self._counted = (train, label_counts(train))
        return self._counted[1]

    def check_flags(self) -> None:
        """Refuses weights of classes where a row has several."""
        super().check_flags()
        if FLAGS.class_weights and FLAGS.multi_label:
            raise InputError("--class_weights weigh rows by their one label; with --multi_label they do not apply")

    def read(self, source: str, labels: list[str] | None = None) -> tf.data.Dataset:
        """Reads rows whose label is a class, or several."""
        label_type = "classes" if FLAGS.multi_label else "class"
        return self.read_rows(source, label_type=label_type, labels=labels or FLAGS.labels or None)

    def read_for(self, task: Any, source: str) -> tf.data.Dataset:
        """Reads rows with the labels that a classifier knows."""
        from keras_bert.tasks.pooled.head import MULTI_LABEL

        label_type = "classes" if task.problem_type == MULTI_LABEL else "class"
        rows = self.read_rows(source, label_type=label_type, labels=task.labels)
        self.check_rows(task, source, rows)
        return rows

    def labels(self, train: tf.data.Dataset) -> list[str] | None:
        """Returns the classes of the training rows, sorted, or those of `--labels`."""
        return self.labels_of({} if FLAGS.labels else self._counts(train))

    def labels_of(self, counts: Mapping[str, int]) -> list[str] | None:
        """Returns those of `--labels`, or else the classes that were counted, sorted."""
        from keras_bert.data.class_names import class_names
        from keras_bert.data.sources.labels import sort_labels

        labels = class_names(FLAGS.labels) if FLAGS.labels else sort_labels(counts)
        if len(labels) < 2 and not FLAGS.multi_label:
            raise InputError(
                f"{FLAGS.train}: field {FLAGS.label!r}: only one class, {labels[0]!r}; nothing to tell apart"
            )
        if not labels:
            raise InputError(f"{FLAGS.train}: field {FLAGS.label!r}: no row has a label; nothing to learn")
        return labels

    def build(self, checkpoint: Checkpoint, train: tf.data.Dataset, labels: list[str] | None) -> BertClassifier:
        """Makes the classifier."""
        from keras_bert.tasks import BertClassifier
        from keras_bert.tasks.pooled.head import MULTI_LABEL, SINGLE_LABEL

        return BertClassifier.from_preset(
            checkpoint,
            labels=labels,
            problem_type=MULTI_LABEL if FLAGS.multi_label else SINGLE_LABEL,
            class_weights=class_weights(self._counts(train) if FLAGS.class_weights == "balanced" else {}, labels or []),
            label_smoothing=FLAGS.label_smoothing or 0.0,
            temperature=1.0,  # training goes on from the preset, whose calibration is no longer that of the model
            abstain_below=0.0,
            pooling=self.pooling(),
            new_pooler=FLAGS.new_pooler,
            text_pair=FLAGS.text_pair is not None,
            **self.model_options(),
        )

    def check_rows(self, task: Any, source: str, rows: tf.data.Dataset) -> None:
        """Refuses texts without the markers that the model reads."""
        check_markers(task, source, rows)

    def plot(self, task: Any, rows: tf.data.Dataset, folder: Path) -> None:
        """Draws the confusion matrix."""
        if self.has_confusion(task):
            self.plot_confusion(task, rows, folder / "confusion.png", FLAGS.eval_batch_size)

    def has_confusion(self, task: Any) -> bool:
        """Tells whether the rows have one class each."""
        from keras_bert.tasks.pooled.head import SINGLE_LABEL

        return task.problem_type == SINGLE_LABEL

    def plot_confusion(self, task: Any, rows: tf.data.Dataset, path: str | Path, batch_size: int) -> None:
        """Draws the confusion matrix of labelled rows."""
        from keras_bert.evaluation import plot_confusion

        outputs, targets = task.predict_rows(rows, batch_size)
        plot_confusion(targets, task.predicted(outputs), task.labels, path)


def check_markers(task: BertClassifier, source: str, rows: tf.data.Dataset) -> None:
    """Refuses texts without the markers that a model reads, or whose markers would be cut off.

    Args:
        task: The model; one that reads no markers takes any text.
        source: Where the rows are from, for the message.
        rows: Labelled rows.

    Raises:
        InputError: Names the first such row.
    """
    from keras_bert.data.sources.source_blocks import rows_before

    if task.pooling != "markers":
        return
    number = rows_before(source)
    for batch in rows.batch(1024):
        packed = task.preprocessor.pack(*(batch[name] for name in task.text_fields))
        for text, is_marked in zip(batch["text"].numpy(), task.is_marked(packed["token_ids"]).numpy(), strict=True):
            number += 1
            if not is_marked:
                way_out = "mark both entities, <e1>...</e1> and <e2>...</e2>"
                if b"<e1>" in text and b"<e2>" in text:
                    way_out = f"a marker is beyond the first {task.preprocessor.max_length} tokens; raise --max_length"
                shown = text.decode("utf-8", "replace")
                raise InputError(f"{source}, row {number}: {way_out}; the text is: {shown:.80}")


def class_weights(counts: Mapping[str, int], labels: list[str]) -> dict[str, float] | None:
    """Returns --class_weights; 'balanced' is rows / (classes · rows of the class), as scikit-learn has it.

    Args:
        counts: Rows of each class, for 'balanced'.
        labels: The classes.
    """
    if FLAGS.class_weights is None:
        return None
    if FLAGS.class_weights != "balanced":
        try:
            weights = loads_json(FLAGS.class_weights)
        except (ValueError, RecursionError) as error:
            raise InputError(f"--class_weights: neither 'balanced' nor JSON: {error}") from None
        if not isinstance(weights, dict) or not all(map(_is_weight, weights.values())):
            raise InputError('--class_weights: expected a JSON object of positive numbers, such as {"rare": 5}')
        return {str(label): float(weight) for label, weight in weights.items()}
    total = sum(counts.values())
    return {label: total / (len(labels) * counts[label]) for label in labels if counts.get(label)}


def _is_weight(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= sys.float_info.max
