"""Names of a head's outputs: what a config may hold, and which outputs a caller's labels mean."""

from typing import Any

import pytest

from keras_bert.checkpoints.head_labels import match_labels, stored_labels
from keras_bert.errors import InputError


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({}, None),
        ({"id2label": None}, None),
        ({"id2label": {}}, None),
        ({"id2label": {"1": "b", "0": "a"}}, ["a", "b"]),
        ({"id2label": {0: "a", 1: "b"}}, ["a", "b"]),
        ({"id2label": ["a", "b"]}, ["a", "b"]),
        ({"id2label": {"0": 0, "1": 1}}, ["0", "1"]),
        ({"label2id": {"b": 1, "a": 0}}, ["a", "b"]),
        ({"label2id": {"b": "1", "a": 0.0}}, ["a", "b"]),
    ],
)
def test_names_as_they_stand_in_a_config(metadata: dict[str, Any], expected: list[str] | None):
    assert stored_labels(metadata, "folder") == expected


@pytest.mark.parametrize(
    "names",
    [
        {"a": "neg", "b": "pos"},
        {"neg": 0, "pos": 1},
        {"1": "a", "2": "b"},
        {"0": "a", "00": "b"},
        "neg",
        3,
        {True: "a"},
        {"0": None, "1": "b"},
        [["a"], ["b"]],
    ],
)
def test_what_cannot_be_understood_is_refused_in_one_line(names: Any):
    with pytest.raises(InputError, match=r"^folder: id2label in config.json must number the labels from 0.*received"):
        stored_labels({"id2label": names}, "folder")
    with pytest.raises(InputError, match=r"^folder: label2id must give each label a number"):
        stored_labels({"label2id": {"a": "first"}}, "folder")


@pytest.mark.parametrize(
    ("own", "wanted", "order"),
    [
        # The same names, in whatever order.
        (["a", "b", "c"], ["c", "a", "b"], [2, 0, 1]),
        (["1", "0"], ["0", "1"], [1, 0]),
        (["NEG", "POS"], ["pos", "neg"], [1, 0]),
        # Names that only number, on either side.
        (["LABEL_0", "LABEL_1"], ["neg", "pos"], [0, 1]),
        (["neg", "pos"], ["LABEL_0", "LABEL_1"], [0, 1]),
        (["neg", "pos"], ["0", "1"], [0, 1]),
        (["neg", "pos"], ["1", "0"], [1, 0]),
        (["LABEL_0", "LABEL_1"], ["1", "0"], [1, 0]),
        (["LABEL_0", "LABEL_1", "LABEL_2"], ["1", "2", "3"], [0, 1, 2]),
        (["World", "Sports", "Business"], ["1", "2", "3"], [0, 1, 2]),
        (["class 0", "class 1"], ["x", "y"], [0, 1]),
        # Really other classes.
        (["neg", "pos"], ["bad", "good"], None),
        (["neg", "pos"], ["neg", "neutral"], None),
        (["LABEL_0", "LABEL_1"], ["a", "b", "c"], None),
        (["neg", "pos"], ["LABEL_0", "LABEL_1", "LABEL_2"], None),
        (["neg", "pos"], ["0", "2"], None),
        # Names that differ in capitals alone, but not from each other.
        (["a", "A"], ["A", "a"], [1, 0]),
        (["a", "A"], ["a", "b"], None),
    ],
)
def test_which_outputs_are_meant(own: list[str], wanted: list[str], order: list[int] | None):
    assert match_labels(own, wanted) == order
