"""What a classifier says of labelled rows, in the order of the rows."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.data.memory.given_rows import given_rows
from keras_bert.data.sources.tensors import dataset_of
from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier
from keras_bert.tasks.pooled.head import MULTI_LABEL


@dataclasses.dataclass(frozen=True)
class ClassOutputs:
    """Outputs and truth.

    Attributes:
        texts: The rows' texts, a tuple each.
        logits: float32 (rows, classes), as the model gives them: without its temperature.
        targets: int32 (rows,), the true classes; for several labels float32 (rows, classes), zeros and ones.
        predicted: What is answered, like `targets`, int.
    """

    texts: Sequence[tuple[str, ...]]
    logits: np.ndarray
    targets: np.ndarray
    predicted: np.ndarray


def class_outputs(task: Any, rows: Any, batch_size: int = 64, probe: str = "calibration") -> ClassOutputs:
    """Runs a classifier over labelled rows.

    Args:
        task: The classifier.
        rows: Labelled rows, as `evaluate_rows` takes them.
        batch_size: Rows a batch; rows of like length share one.
        probe: What it is for, for the message.

    Raises:
        InputError: The task is no classifier; no rows, or rows without labels.
    """
    check_classifier(task, probe)
    fields = task.text_fields
    columns = columns_of(rows, fields)
    raw = [columns[name].numpy() for name in fields]
    order = np.argsort(sum(np.char.str_len(column.astype(bytes)) for column in raw), kind="stable")
    back = np.argsort(order)
    ordered = dataset_of({name: tf.gather(column, order) for name, column in columns.items()})
    outputs, targets = task.logits_in_order(ordered, batch_size)
    texts = [tuple(part.decode("utf-8", "replace") for part in row) for row in zip(*raw, strict=True)]
    return ClassOutputs(texts, outputs[back], targets[back], task.predicted(outputs[back]))


def check_classifier(task: Any, probe: str, several: bool = True) -> None:
    """Refuses a task that is no classifier, by its name.

    Args:
        task: Any task.
        probe: What it is for.
        several: Rows may have several labels.

    Raises:
        InputError: It is another task, or rows have several labels and may not.
    """
    if not isinstance(task, BertClassifier):
        raise InputError(f"the probe {probe!r} is for classifiers; this model is a {type(task).__name__}")
    if not several and task.problem_type == MULTI_LABEL:
        raise InputError(f"the probe {probe!r} is for rows with one label each; this model gives several")


def columns_of(rows: Any, fields: tuple[str, ...]) -> dict[str, Any]:
    """Returns labelled rows as columns.

    Args:
        rows: As `evaluate_rows` takes them.
        fields: The texts of a row.

    Returns:
        Name → tensor with a value a row, ragged where rows have several labels.

    Raises:
        InputError: There are no rows, or they have no label.
    """
    dataset = given_rows(rows, fields)
    if "label" not in dataset.element_spec:
        raise InputError("the rows have no label: name the label's column when reading them")
    count = int(dataset.cardinality())
    if count < 0:
        count = sum(1 for _ in dataset)
    if not count:
        raise InputError("there are no rows to audit")
    return dict(next(iter(dataset.ragged_batch(count))))
