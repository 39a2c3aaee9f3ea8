"""Rows become the inputs of a signature, or one line says what was expected."""

import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.serving.request_rows import request_row

TEXT = {"text": tf.TensorSpec([None], tf.string)}
PAIR = {**TEXT, "text_pair": tf.TensorSpec([None], tf.string)}
CHOICES = {**TEXT, "choices": tf.TensorSpec([None, None], tf.string)}


@pytest.mark.parametrize(
    ("row", "inputs", "expected"),
    [
        ("gut", TEXT, {"text": b"gut"}),
        (b"\xff", TEXT, {"text": b"\xff"}),
        ("\ud800", TEXT, {"text": b"\xed\xa0\x80"}),
        (("a", "b"), PAIR, {"text": b"a", "text_pair": b"b"}),
        ({"text": "a", "text_pair": "b", "label": 1}, PAIR, {"text": b"a", "text_pair": b"b"}),
        (("a", ["b", "c"]), CHOICES, {"text": b"a", "choices": [b"b", b"c"]}),
    ],
)
def test_rows(row, inputs, expected):
    assert request_row(row, inputs, "row 0") == expected


@pytest.mark.parametrize(
    ("row", "inputs"),
    [
        (3, TEXT),
        (None, TEXT),
        ({"text": None}, TEXT),
        ({"label": 1}, TEXT),
        ("a", PAIR),
        (("a", "b", "c"), PAIR),
        (("a", "b"), CHOICES),
        (("a", ["b", 1]), CHOICES),
        (["a", ["b"]], PAIR),
    ],
)
def test_other_rows_are_refused_in_one_line(row, inputs):
    with pytest.raises(InputError, match=r"^row 7: expected text \(a string\).*, received: "):
        request_row(row, inputs, "row 7")
