"""One spelling of a class, in Python and in the graph."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.data.class_names import are_numbers, class_name, class_names, named_weights, names_in_graph
from keras_bert.errors import InputError

SPELLINGS = {
    " neg ": "neg",
    "1": "1",
    "1.0": "1",
    "-2.00": "-2",
    "1.50": "1.50",
    "1e3": "1e3",
    "007": "007",
    "True": "true",
    "FALSE": "false",
    "true story": "true story",
    "新闻": "新闻",
}


def test_strings_are_spelled_alike_in_python_and_in_the_graph():
    assert [class_name(text) for text in SPELLINGS] == list(SPELLINGS.values())
    assert [name.decode() for name in names_in_graph(tf.constant(list(SPELLINGS))).numpy()] == list(SPELLINGS.values())
    ragged = names_in_graph(tf.ragged.constant([["1.0"], [], [" x", "True"]]))
    assert ragged.to_list() == [[b"1"], [], [b"x", b"true"]]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (1, "1"),
        (1.0, "1"),
        (0.5, "0.5"),
        (True, "true"),
        (np.int64(3), "3"),
        (np.float32(2), "2"),
        (np.bool_(False), "false"),
        (np.str_("a"), "a"),
        (b"a", "a"),
        (None, ""),
        (10**30, str(10**30)),
        (-0.0, "0"),
    ],
)
def test_values_are_spelled_as_their_text(value, name):
    assert class_name(value) == name


@pytest.mark.parametrize(
    "value", [float("nan"), np.float64("nan"), float("inf"), 10**5000, ["a"], {"a": 1}, object()], ids=type
)
def test_what_is_no_class(value):
    with pytest.raises(InputError):
        class_name(value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("neg", r"labels is one string, 'neg'; pass a list, labels=\['neg', ...\]"),
        ({"neg", "pos"}, "labels is a set, which has no order"),
        ({"neg": 0}, "labels is dict; pass a list"),
        (3, "labels is int; pass a list of names in the order of the outputs"),
        (["a", " "], "labels: name 1 is empty"),
        (["a", float("nan")], "labels: name 1: the label is nan"),
    ],
)
def test_lists_of_names_are_lists(given, message):
    with pytest.raises(InputError, match=message):
        class_names(given)


def test_lists_of_any_kind():
    assert class_names(np.array([0, 1, 2])) == ["0", "1", "2"]
    assert class_names(("a", 1.0, False)) == ["a", "1", "false"]


def test_weights_are_of_the_same_names():
    assert named_weights({0: 1, "1.0": 2.5, True: np.float32(3)}) == {"0": 1.0, "1": 2.5, "true": 3.0}
    assert named_weights(None) == {}
    for wrong, message in [
        ([1.0, 2.0], "expected a dict of class and weight"),
        ({"a": -1}, "the weight of 'a' is -1; expected a number of 0 or more"),
        ({"a": float("nan")}, "the weight of 'a' is nan"),
        ({"a": "2"}, "the weight of 'a' is '2'"),
        ({1: 2, "1": 3}, "'1' is there more than once"),
    ]:
        with pytest.raises(InputError, match=message):
            named_weights(wrong)


def test_numbers_are_told_from_names():
    assert are_numbers(["0", "1", "2.5"])
    assert not are_numbers(["neg", "1"])
    assert not are_numbers(["nan", "1"])
