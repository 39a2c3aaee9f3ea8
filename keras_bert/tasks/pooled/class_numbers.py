"""From labels, however they are written, to the numbers of their classes, in the graph."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.data.class_names import are_numbers, names_in_graph
from keras_bert.errors import InputError

_BUCKETS = 2**62


class ClassNumbers:
    """Looks labels up among the names of classes.

    Strings are names. Numbers and booleans are names where the classes are called so; where none is called by a number,
    a number is the place of a class, from 0. The cost of a batch grows with the logarithm of the number of classes.

    Args:
        names: Of the classes.

    Example:
        >>> numbers = ClassNumbers(["neg", "pos"])
        >>> numbers.of(tf.constant(["pos", " neg"])).numpy().tolist(), numbers.of(tf.constant([1, 0])).numpy().tolist()
        ([1, 0], [1, 0])
    """

    def __init__(self, names: Sequence[str]) -> None:
        hashes = tf.strings.to_hash_bucket_fast(list(names), _BUCKETS).numpy()
        order = np.argsort(hashes)
        if len(np.unique(hashes)) < len(names):
            raise InputError("labels: two names have one hash; change one of them")  # once in 10^11 for 10,000 names
        self._names = list(names)
        self._hashes, self._order = hashes[order], order.astype("int32")
        self._shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")

    def of(self, labels: Any) -> Any:
        """Returns the numbers of the classes of labels.

        Args:
            labels: string, integer, float or bool (labels,).

        Returns:
            int32 (labels,).

        Raises:
            tf.errors.InvalidArgumentError: A label that is none of the classes, named in the message.
        """
        if labels.dtype == tf.string:
            return self._of_names(names_in_graph(labels))
        if labels.dtype == tf.bool:
            if {"true", "false"} & set(self._names):
                return self._of_names(tf.where(labels, "true", "false"))
            labels = tf.cast(labels, tf.int64)
        if labels.dtype.is_floating:
            no_label = tf.boolean_mask(labels, ~tf.math.is_finite(labels))
            tf.debugging.Assert(tf.size(no_label) == 0, ["unknown label:", no_label, "is no class: a missing label?"])
            whole = tf.cast(labels, tf.int64)
            if are_numbers(self._names):
                is_whole = tf.cast(whole, labels.dtype) == labels
                return self._of_names(
                    tf.where(is_whole, tf.strings.as_string(whole), tf.strings.as_string(labels, shortest=True))
                )
            broken = tf.boolean_mask(labels, tf.cast(whole, labels.dtype) != labels)
            tf.debugging.Assert(tf.size(broken) == 0, ["unknown label:", broken, f"; the labels are: {self._shown}"])
            labels = whole
        if are_numbers(self._names):
            return self._of_names(tf.strings.as_string(labels))
        labels = tf.cast(labels, tf.int64)
        outside = tf.boolean_mask(labels, (labels < 0) | (labels >= len(self._names)))
        places = f"; the classes have the numbers 0 to {len(self._names) - 1}: {self._shown}"
        tf.debugging.Assert(tf.size(outside) == 0, ["unknown label:", outside, places])
        return tf.cast(labels, tf.int32)

    def check(self, labels: Any, marks: bool = False) -> None:
        """Refuses labels that are none of the classes, before a graph meets them.

        Args:
            labels: A column: string, integer, float or bool (rows,); strings (rows, labels), ragged or not; numbers
                (rows, classes).
            marks: A row of numbers may hold several ones, or none.

        Raises:
            InputError: Names the first row with such a label.
        """
        if not isinstance(labels, tf.RaggedTensor):
            labels = tf.convert_to_tensor(labels)
        look = self.of
        if labels.shape.rank == 2 and labels.dtype != tf.string:
            look = self.checked_marks if marks else self.of_one_hot
        flat = labels.flat_values if isinstance(labels, tf.RaggedTensor) else labels
        flat = tf.reshape(flat, [-1]) if look == self.of else flat
        first, last = 0, int(flat.shape[0])
        if _passes(look, flat):
            return
        while last - first > 1:  # the first one that does not pass is in flat[first:last]
            middle = (first + last) // 2
            first, last = (middle, last) if _passes(look, flat[first:middle]) else (first, middle)
        row = first
        if isinstance(labels, tf.RaggedTensor):
            row = int(np.searchsorted(labels.row_splits.numpy(), first, "right")) - 1
        elif look == self.of and labels.shape.rank == 2:
            row = first // int(labels.shape[1])
        value = flat[first].numpy()
        value = value.decode("utf-8", "replace") if isinstance(value, bytes) else value.tolist()
        expected = f"one of {self._shown}"
        if look != self.of:
            expected = f"a 0 or 1 for each of {self._shown}" + ("" if marks else ", and a single 1")
        elif flat.dtype != tf.string and not are_numbers(self._names):
            expected += f", or its number, 0 to {len(self._names) - 1}"
        raise InputError(f"row {row}: unknown label {value!r:.60}; expected {expected}")

    def of_one_hot(self, labels: Any) -> Any:
        """Returns the class of each row of zeros and a single one: int32 (rows,) of (rows, classes)."""
        labels = self.checked_marks(labels)
        counts = tf.reduce_sum(labels, axis=1)
        wrong = tf.boolean_mask(labels, counts != 1)
        tf.debugging.Assert(tf.size(wrong) == 0, ["a row of labels must hold a single 1, found:", wrong])
        return tf.argmax(labels, axis=1, output_type=tf.int32)

    def checked_marks(self, labels: Any) -> Any:
        """Returns rows of zeros and ones as float32 (rows, classes), checked."""
        if labels.shape[1] not in (None, len(self._names)):
            raise InputError(
                f"a row of the labels has {labels.shape[1]} numbers; expected one for each of the "
                f"{len(self._names)} classes: {self._shown}"
            )
        marks = tf.cast(labels, tf.float32)
        odd = tf.boolean_mask(marks, (marks != 0) & (marks != 1))
        tf.debugging.Assert(tf.size(odd) == 0, ["a label a class is 0 or 1, found:", odd])
        return tf.ensure_shape(marks, [None, len(self._names)])

    def _of_names(self, names: Any) -> Any:
        at = tf.searchsorted(self._hashes, tf.strings.to_hash_bucket_fast(names, _BUCKETS))
        number = tf.gather(self._order, tf.minimum(at, len(self._names) - 1))
        unknown = tf.boolean_mask(names, tf.gather(tf.constant(self._names), number) != names)
        tf.debugging.Assert(tf.size(unknown) == 0, ["unknown label:", unknown, f"; the labels are: {self._shown}"])
        return number


def _passes(look: Callable[[Any], Any], labels: Any) -> bool:
    try:
        look(labels)
    except tf.errors.InvalidArgumentError:
        return False
    return True
