"""Labels of every kind as numbers of classes."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks.pooled.class_numbers import ClassNumbers


def of(names, labels) -> list[int]:
    return ClassNumbers(names).of(tf.constant(labels)).numpy().tolist()


def test_strings_are_names():
    assert of(["neg", "pos"], ["pos", " neg ", "pos"]) == [1, 0, 1]
    assert of(["1", "2"], ["2.0", "1"]) == [1, 0]


def test_ten_thousand_names():
    names = [f"class {index}" for index in range(10_000)]
    wanted = np.random.default_rng(0).integers(0, len(names), 500)
    assert of(names, [names[index] for index in wanted]) == wanted.tolist()


@pytest.mark.parametrize(
    ("names", "labels", "expected"),
    [
        (["1", "2", "3"], [3, 1], [2, 0]),  # names
        (["neg", "pos"], [1, 0], [1, 0]),  # places
        (["1", "2", "3"], [3.0, 1.0], [2, 0]),
        (["0.5", "2"], [0.5, 2.0], [0, 1]),
        (["neg", "pos"], [1.0, 0.0], [1, 0]),
        (["false", "true"], [True, False], [1, 0]),
        (["neg", "pos"], [True, False], [1, 0]),
        (["0", "1"], [True, False], [1, 0]),
    ],
)
def test_numbers_are_names_or_else_places(names, labels, expected):
    assert of(names, labels) == expected


@pytest.mark.parametrize(
    ("names", "labels", "message"),
    [
        (["neg", "pos"], ["pos", "good"], "good"),
        (["neg", "pos"], [0, 2], "the classes have the numbers 0 to 1: neg, pos"),
        (["neg", "pos"], [0, -1], "the classes have the numbers 0 to 1"),
        (["1", "2"], [0], "unknown label"),
        (["neg", "pos"], [0.5], "unknown label"),
        (["neg", "pos"], [float("nan")], "a missing label"),
        (["1", "2"], [float("nan")], "a missing label"),
    ],
)
def test_unknown_labels_are_named(names, labels, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        of(names, labels)


def test_rows_of_zeros_and_ones():
    numbers = ClassNumbers(["a", "b", "c"])
    assert numbers.of_one_hot(tf.constant([[0, 1, 0], [0, 0, 1]])).numpy().tolist() == [1, 2]
    with pytest.raises(tf.errors.InvalidArgumentError, match="a single 1"):
        numbers.of_one_hot(tf.constant([[0, 1, 1]]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="is 0 or 1"):
        numbers.checked_marks(tf.constant([[0.0, 0.5, 1.0]]))
    with pytest.raises(InputError, match="has 2 numbers; expected one for each of the 3 classes: a, b, c"):
        numbers.checked_marks(tf.constant([[0, 1]]))
