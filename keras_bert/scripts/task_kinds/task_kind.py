"""What the programs must know of a task."""

from __future__ import annotations

import abc
import dataclasses
import types
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from absl import flags

from keras_bert.errors import InputError
from keras_bert.scripts import long_text_flags, row_flags

if TYPE_CHECKING:
    from collections.abc import Mapping

    import tensorflow as tf

    from keras_bert.checkpoints.checkpoint import Checkpoint
    from keras_bert.tasks.base.task import BertTask

FLAGS = flags.FLAGS

ONE_VECTOR_FLAGS = ("pooling", "new_pooler", "truncation", "text_pair")
"""Flags of tasks that make one vector of a text or a pair."""


TABLE_FLAGS = ("weight", "delimiter", "quoting")
"""Flags of tasks whose rows stand in tables."""


@dataclasses.dataclass(frozen=True)
class LabelCounts:
    """What is known of training rows that are not in memory.

    Attributes:
        counts: How often each label is there.
    """

    counts: Mapping[str, int]


class TaskKind(abc.ABC):
    """How the rows of a task are read, and how its model is made, as the flags say.

    A subclass is a value of `--task`; the flags that only it reads are defined in its file. `finetune` calls, in this
    order, `check_flags`, `read_part` for the training rows, `labels`, `read_part` for the other rows, `build`,
    `check_rows` for all of them, `describe`, `facts`, `plot`; `evaluate` calls `prepare`, `read_for`, `facts`.
    """

    task_class: ClassVar[str]
    """Name of the class in `keras_bert.tasks`."""

    scored_by: ClassVar[str] = "sklearn.metrics"
    """Module of the extra `train` that the scores need."""

    more_flags: ClassVar[tuple[types.ModuleType, ...]] = ()
    """Modules with further flags that only the task reads, and other programs with it."""

    refused: ClassVar[Mapping[str, str]] = {}
    """Shared flag → why the task does not take it."""

    own_poolings: ClassVar[tuple[str, ...]] = ("pooler",)
    """Values of `--pooling` beside the modes of `TokenPooling`."""

    joins_poolings: ClassVar[bool] = False
    """`--pooling` may name several."""

    batch_flags: ClassVar[tuple[str, ...]] = ()
    """Flags of the task that its batches follow from."""

    reads_long_texts: ClassVar[bool] = False
    """What becomes of a long text can be chosen, `--long_texts`."""

    own_window_flags: ClassVar[tuple[str, ...]] = ()
    """Flags of long texts that the task reads, which has windows of its own."""

    names_classes: ClassVar[bool] = False
    """`--labels` names the classes of its rows."""

    scores_examples: ClassVar[bool] = False
    """The scores follow from outputs and targets alone, so that prepared examples can be scored."""

    counts_labels: ClassVar[bool] = False
    """The labels of all rows decide the outputs."""

    def check_flags(self) -> None:
        """Refuses flags that do not go together, those of `refused` first; an `InputError`."""
        for name, reason in self.refused.items():
            if FLAGS[name].value != FLAGS[name].default:
                raise InputError(f"--{name} does not go with --task={FLAGS.task}, {reason}")
        for name in () if self.reads_long_texts else long_text_flags.NAMES:
            if FLAGS[name].value is not None and name not in self.own_window_flags:
                raise InputError(f"--{name} is for --task=classify, regress and embed, not for --task={FLAGS.task}")
        self._check_pooling()

    def _check_pooling(self) -> None:
        """Refuses what is no pooling, and more of them than the task takes."""
        from keras_bert.layers.token_pooling import MODES

        poolings = (*self.own_poolings, *MODES)
        found = [name for name in FLAGS.pooling or () if name not in poolings]
        if found or FLAGS.pooling == []:
            raise InputError(f"--pooling={','.join(found)}: expected one of {', '.join(poolings)}")
        if len(FLAGS.pooling or ()) > 1 and not self.joins_poolings:
            raise InputError(f"--pooling={','.join(FLAGS.pooling)}: several are for --task=embed; name one")

    def scoring_modules(self) -> tuple[tuple[str, str], ...]:
        """Returns the modules that the scores need, each with its extra."""
        return ((self.scored_by, "train"),)

    def compares_rows(self) -> bool:
        """Tells whether the loss compares the rows of a batch with each other, so that none may be added to fill it."""
        return False

    @abc.abstractmethod
    def read(self, source: str, labels: list[str] | None = None) -> tf.data.Dataset:
        """Reads labelled rows.

        Args:
            source: As for `keras_bert.data.read`.
            labels: The labels there may be; None for the training rows, which say themselves.
        """

    def read_part(self, part: str, source: str, labels: list[str] | None = None) -> tf.data.Dataset:
        """Reads the rows of `train`, `dev` or `test`; see `read`."""
        del part
        return self.read(source, labels)

    @abc.abstractmethod
    def read_for(self, task: Any, source: str) -> tf.data.Dataset:
        """Reads labelled rows for a model that is trained; a label it does not know is an `InputError`."""

    def text_fields(self, task: Any) -> tuple[str, ...]:
        """Returns the texts of a labelled row of a trained model."""
        return task.text_fields

    def labels(self, train: tf.data.Dataset) -> list[str] | None:
        """Returns the names that the model gives, in the order of its outputs; None for a task without."""
        del train
        return None

    def label_counts(self, rows: tf.data.Dataset) -> Counter[str]:
        """Counts the labels of some of the training rows, for a task with `counts_labels`."""
        from keras_bert.data.sources.labels import label_counts

        return Counter(label_counts(rows))

    def labels_of(self, counts: Mapping[str, int]) -> list[str] | None:
        """Returns what `labels` returns, of the labels of all training rows and how often each is there."""
        del counts
        return None

    def counted(self, counts: Mapping[str, int]) -> Any:
        """Returns what stands for training rows of which only the labels are known, for `build`."""
        return LabelCounts(counts)

    @abc.abstractmethod
    def build(self, checkpoint: Checkpoint, train: tf.data.Dataset, labels: list[str] | None) -> BertTask:
        """Makes the model from a checkpoint."""

    def check_rows(self, task: Any, source: str, rows: tf.data.Dataset) -> None:
        """Refuses rows that were read but do not suit the model; an `InputError`."""
        del task, source, rows

    def describe(self, task: Any, parts: Mapping[str, tf.data.Dataset]) -> None:
        """Says, before anything is trained, what of the rows of each part a reader should know."""
        for part, rows in parts.items() if self.reads_long_texts else ():
            long_text_flags.describe(task, part, rows)

    def prepare(self, task: Any) -> None:
        """Has a trained model be scored as the flags say."""
        del task

    def facts(self, task: Any, rows: tf.data.Dataset) -> dict[str, Any]:
        """Returns what the scores on `rows` are read beside, such as those of no model."""
        del task, rows
        return {}

    def longest_row(self) -> int:
        """Returns the tokens of a row at most, which a start from nothing makes room for."""
        return FLAGS.max_length

    def plot(self, task: Any, rows: tf.data.Dataset, folder: Path) -> None:
        """Draws, beside the learning curves, what the task has to show on `rows`."""
        del task, rows, folder

    def has_confusion(self, task: Any) -> bool:
        """Tells whether a model's classes can be confused with each other: a row has one of them."""
        del task
        return False

    def plot_confusion(self, task: Any, rows: tf.data.Dataset, path: str | Path, batch_size: int) -> None:
        """Draws the confusion matrix of labelled rows, for a task that has one."""
        raise NotImplementedError

    def pooling(self) -> Any:
        """Returns --pooling as `from_preset` takes it: a name, or several where the task joins them."""
        return FLAGS.pooling if FLAGS.pooling is None or len(FLAGS.pooling) > 1 else FLAGS.pooling[0]

    def model_options(self) -> dict[str, Any]:
        """Returns the arguments of `from_preset` that tasks with one vector a text share."""
        shared = {"max_length": FLAGS.max_length, "truncation": FLAGS.truncation, "dtype": FLAGS.dtype_policy}
        return {**shared, **(long_text_flags.options() if self.reads_long_texts else {})}

    def read_rows(self, source: str, **options: Any) -> tf.data.Dataset:
        """Reads rows by the columns that the flags name."""
        return row_flags.read_rows(source, **options)
