"""Whatever a task may be given as rows, texts or batches."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.data import rows
from keras_bert.data.memory.given_rows import given_rows, given_texts, refuse_texts
from keras_bert.errors import InputError
from tests.data.memory.rows_test import Frame

TEXTS, LABELS, PAIRS = ["good film", "bad food", "plain book"], ["x", "y", "x"], ["a", "b", "c"]
SINGLE, PAIR = ("text",), ("text", "text_pair")
slices = tf.data.Dataset.from_tensor_slices


def read(given, fields=SINGLE) -> list[dict]:
    return [
        {name: value.tolist() if hasattr(value, "tolist") else value for name, value in row.items()}
        for row in given_rows(given, fields).as_numpy_iterator()
    ]


EXPECTED = [{"text": text.encode(), "label": label.encode()} for text, label in zip(TEXTS, LABELS, strict=True)]
EXPECTED_PAIRS = [{**row, "text_pair": pair.encode()} for row, pair in zip(EXPECTED, PAIRS, strict=True)]


def test_rows_come_back_as_they_are():
    made = rows(TEXTS, LABELS)
    assert given_rows(made, SINGLE) is made


@pytest.mark.parametrize(
    "given",
    [
        {"text": TEXTS, "label": LABELS},
        Frame({"text": TEXTS, "label": LABELS}),
        [{"text": text, "label": label} for text, label in zip(TEXTS, LABELS, strict=True)],
        list(zip(TEXTS, LABELS, strict=True)),
        slices((TEXTS, LABELS)),
        slices((TEXTS, LABELS)).batch(2),
        slices({"text": TEXTS, "label": LABELS}).batch(2),
        slices(({"text": TEXTS}, LABELS)),
    ],
    ids=lambda given: type(given).__name__,
)
def test_single_texts_with_labels(given):
    assert read(given) == EXPECTED


@pytest.mark.parametrize(
    "given",
    [
        list(zip(TEXTS, PAIRS, LABELS, strict=True)),
        slices((TEXTS, PAIRS, LABELS)),
        slices(((TEXTS, PAIRS), LABELS)),
        slices(({"text": TEXTS, "text_pair": PAIRS}, LABELS)).batch(3),
    ],
    ids=lambda given: type(given).__name__,
)
def test_pairs_with_labels(given):
    assert read(given, PAIR) == EXPECTED_PAIRS


def test_weights_follow_the_labels():
    weighted = [{**row, "weight": 2.0} for row in EXPECTED]
    assert read(slices((TEXTS, LABELS, [2.0, 2.0, 2.0]))) == weighted
    assert read([(text, label, 2) for text, label in zip(TEXTS, LABELS, strict=True)]) == weighted


def test_texts_alone():
    assert read(TEXTS) == read(slices(TEXTS)) == [{"text": text.encode()} for text in TEXTS]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("train.csv", r"expected rows, received 'train.csv'; read a file with keras_bert.data.read\(file\)"),
        (slices({"token_ids": [[1]]}), "batches of numbers already"),
        (slices(({"token_ids": [[1]]}, [0])), "batches of numbers already"),
        (slices(([1.0, 2.0], [0, 1])), "expected rows of text and a label"),
        (slices([["a", "b"]]).batch(1), "has the shape"),
        (5, "rows: expected a list, received int 5"),
    ],
)
def test_what_are_no_rows(given, message):
    with pytest.raises(InputError, match=message):
        given_rows(given, SINGLE)


@pytest.mark.parametrize(
    "given",
    [
        TEXTS,
        tuple(TEXTS),
        np.array(TEXTS),
        np.array(TEXTS, object),
        tf.constant(TEXTS),
        iter(TEXTS),
        {"text": TEXTS},
        Frame({"id": [1, 2, 3], "text": TEXTS}),
        Frame({"x": TEXTS})["x"],
        slices(TEXTS),
        rows(TEXTS, LABELS),
    ],
    ids=lambda given: type(given).__name__,
)
def test_texts_to_answer(given):
    assert [text if isinstance(text, str) else text.decode() for text in given_texts(given, SINGLE)] == TEXTS


def test_pairs_to_answer():
    expected = list(zip(TEXTS, PAIRS, strict=True))
    assert given_texts(expected, PAIR) == expected
    assert given_texts(Frame({"text_pair": PAIRS, "text": TEXTS}), PAIR) == expected
    assert given_texts(np.array(expected), PAIR) == [list(pair) for pair in expected]
    assert given_texts([{"text": "a", "text_pair": "b"}], PAIR) == [{"text": "a", "text_pair": "b"}]
    assert given_texts(rows(TEXTS, text_pairs=PAIRS), PAIR)[0] == (b"good film", b"a")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("good", r"answer takes a list of texts; for one text write answer\(\[text\]\)"),
        ({"text": "good"}, "answer takes a list of texts"),
        (
            Frame({"review": TEXTS}),
            "no column 'text'; the task takes text, the columns are: 'review'; rename one, or give",
        ),
        ({"good", "bad"}, "received a set, which has no order"),
        (None, "expected a list, received NoneType None"),
    ],
)
def test_what_are_no_texts(given, message):
    with pytest.raises(InputError, match=message):
        given_texts(given, SINGLE)


@pytest.mark.parametrize(
    "given",
    [
        TEXTS,
        np.array(TEXTS),
        np.array(TEXTS, object),
        tf.constant(TEXTS),
        {"text": TEXTS},
        Frame({"text": TEXTS}),
        slices(TEXTS),
        rows(TEXTS, LABELS).batch(2),
        (TEXTS, LABELS),
        [("good", "bad")],
    ],
    ids=lambda given: type(given).__name__,
)
def test_keras_methods_say_what_they_take(given):
    with pytest.raises(InputError, match=r"take batches of numbers: model.fit\(model.batches\(rows"):
        refuse_texts(given)


def test_numbers_pass():
    for given in (
        None,
        np.zeros((2, 3)),
        {"token_ids": np.zeros((2, 3))},
        slices(({"token_ids": [[1]]}, [0])),
        [],
        iter([]),
    ):
        refuse_texts(given)
