"""What a classifier refuses: classes and settings that do not go together."""

import collections
from collections.abc import Mapping

from keras_bert.errors import InputError
from keras_bert.tasks.pooled.head import MULTI_LABEL, SINGLE_LABEL


def check_classes(
    labels: list[str],
    problem_type: str,
    class_weights: Mapping[str, float],
    label_smoothing: float,
    threshold: float,
) -> None:
    """Refuses arguments of a classifier that do not go together; an `InputError`."""
    if problem_type not in (SINGLE_LABEL, MULTI_LABEL):
        raise InputError(f"problem_type must be {SINGLE_LABEL!r} or {MULTI_LABEL!r}, received: {problem_type!r}")
    if len(set(labels)) < len(labels):
        label, _ = collections.Counter(labels).most_common(1)[0]
        raise InputError(f"labels: {label!r} is there more than once")
    fewest = 1 if problem_type == MULTI_LABEL else 2
    if len(labels) < fewest:
        raise InputError(f"labels: a classifier needs at least {fewest}, received: {labels}")
    unknown = sorted(set(class_weights) - set(labels))
    if unknown:
        raise InputError(f"class_weights: {unknown[0]!r} is none of the labels")
    if class_weights and problem_type == MULTI_LABEL:
        raise InputError("class_weights weigh rows by their one label; with several labels a row they do not apply")
    if not 0 <= label_smoothing < 1:
        raise InputError(f"label_smoothing must be in [0, 1), received: {label_smoothing}")
    if not 0 < threshold < 1:
        raise InputError(f"threshold is a probability between 0 and 1, received: {threshold}")
