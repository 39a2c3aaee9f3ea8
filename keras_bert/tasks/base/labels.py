"""The labels that a caller gives a task, and the trained head that goes with them."""

import dataclasses
from collections.abc import Iterable
from typing import Any, NamedTuple

from absl import logging

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.head_labels import match_labels
from keras_bert.checkpoints.heads import CLASSIFIER, head_in_words
from keras_bert.data.class_names import in_order
from keras_bert.errors import InputError

HEAD = "classifier."


class LabelledHead(NamedTuple):
    """A checkpoint whose head is that of some labels, if it can be.

    Attributes:
        checkpoint: The checkpoint, the rows of its head in the order of the labels.
        labels: The labels.
        is_trained: Whether the checkpoint's head is to be taken.
    """

    checkpoint: Checkpoint
    labels: list[str]
    is_trained: bool


def label_list(labels: Iterable[Any]) -> list[str]:
    """Returns labels as strings, in their order.

    Args:
        labels: A list, an array, or anything else that has an order.

    Raises:
        InputError: One string, which is no list of its letters; a set, which has no order; a dict.
    """
    return [label.decode() if isinstance(label, bytes) else str(label) for label in in_order(labels, "labels")]


def head_for_labels(
    checkpoint: Checkpoint, own: list[str] | None, labels: Iterable[Any] | None, missing: str
) -> LabelledHead:
    """Decides whether a checkpoint's head is that of some labels; warns where it is not.

    Args:
        checkpoint: An opened checkpoint.
        own: The names of the outputs of its head; None where it has no head of the task.
        labels: The labels asked for; None for its own.
        missing: What to say where there are neither, such as `"no classifier there"`.

    Returns:
        The checkpoint, perhaps with the rows of its head in another order, and the labels.

    Raises:
        InputError: There are neither, or `labels` is no list.
    """
    if labels is None:
        if own is None:
            raise InputError(f"{checkpoint.source}: {missing}")
        return LabelledHead(checkpoint, own, True)
    wanted = label_list(labels)
    order = None if own is None else match_labels(own, wanted)
    if order is None:
        warn_of_fresh_head(checkpoint, f"asked for are {len(wanted)} labels: {_shown(wanted)}")
        return LabelledHead(checkpoint, wanted, False)
    if order != list(range(len(order))):
        logging.info("%s: the rows of its head are put into the order %s", checkpoint.source, _shown(wanted))
        names = (CLASSIFIER, "classifier.bias")
        rows = {name: checkpoint.tensors[name][order] for name in names if name in checkpoint.tensors}
        checkpoint = dataclasses.replace(checkpoint, tensors={**checkpoint.tensors, **rows})
    return LabelledHead(checkpoint, wanted, True)


def warn_of_fresh_head(checkpoint: Checkpoint, why: str) -> None:
    """Warns that the head that a checkpoint has is not the one that a task takes; silent where it has none."""
    found = head_in_words(checkpoint)
    if found != "none":
        logging.warning("%s: its head is not taken, a new one starts: it is %s; %s", checkpoint.source, found, why)


def _shown(labels: list[str]) -> str:
    return ", ".join(labels[:8]) + (", ..." if len(labels) > 8 else "")
