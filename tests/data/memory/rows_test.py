"""Rows of lists, arrays and tables; what is none of them gets one line."""

import collections
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.data import label_names, rows
from keras_bert.data.memory.given_rows import given_texts
from keras_bert.errors import InputError

TEXTS = ["good film", "bad food", "plain book"]


class Column(list):
    """A column of a table as pandas has it, for what is asked of one here."""

    def to_list(self) -> list[Any]:
        return list(self)


class Frame:
    """A DataFrame as pandas and polars have it, for what is asked of one here: names, and columns by name."""

    def __init__(self, columns: dict[str, list[Any]]):
        self.columns = np.array(list(columns))  # no truth value, as pandas' Index
        self._columns = columns

    def __getitem__(self, name: str) -> Column:
        return Column(self._columns[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def to_numpy(self) -> np.ndarray:
        return np.array(list(self._columns.values())).T


def read(given: tf.data.Dataset) -> list[dict[str, Any]]:
    return list(given.as_numpy_iterator())


TABLES = {
    "dict of lists": dict,
    "frame": Frame,
    "list of dicts": lambda columns: [
        dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
    ],
    "dict of arrays": lambda columns: {name: np.array(values) for name, values in columns.items()},
    "dict of tensors": lambda columns: {name: tf.constant(values) for name, values in columns.items()},
}


@pytest.mark.parametrize("table", TABLES)
def test_tables_by_the_names_of_their_columns(table):
    columns = {
        "id": [7, 8, 9],
        "review": TEXTS,
        "title": ["a", "b", "c"],
        "stars": [5, 1, 3],
        "weight": [1.0, 2.0, 0.5],
    }
    made = rows(TABLES[table](columns), text="review", text_pair="title", label="stars")
    assert int(made.cardinality()) == 3
    assert made.element_spec["label"].dtype == tf.int64
    assert read(made)[1] == {"text": b"bad food", "text_pair": b"b", "label": 1, "weight": 2.0}
    assert label_names(made) == ["1", "3", "5"]


def test_the_usual_names_are_found_and_others_are_named():
    assert read(rows({"text": TEXTS, "label": ["x", "y", "x"]}))[0] == {"text": b"good film", "label": b"x"}
    with pytest.raises(
        InputError, match="no column 'text'; the columns are: 'review', 'label'; name the right one, text=COL"
    ):
        rows({"review": TEXTS, "label": ["x", "y", "x"]})
    with pytest.raises(InputError, match="no column 'gold'; the columns are: 'text'; name the right one, label=COLUMN"):
        rows({"text": TEXTS}, label="gold")


def test_polars_itself():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"review": TEXTS, "stars": [5, None, 3], "weight": [1.0, 2.0, 0.5]})
    with pytest.raises(InputError, match="row 1: label: there is none"):
        rows(frame, text="review", label="stars")
    made = rows(frame.drop_nulls(), text="review", label="stars")
    assert read(made)[1] == {"text": b"plain book", "label": 3, "weight": 0.5}
    assert read(rows(frame["review"], frame["weight"] > 0.7))[2] == {"text": b"plain book", "label": False}
    with pytest.raises(InputError, match=r"a LazyFrame holds no rows yet: collect it first, table.collect\(\)"):
        rows(frame.lazy(), text="review")
    with pytest.raises(InputError, match="no column 'text'; the columns are: 'review', 'stars', 'weight'"):
        rows(frame)
    assert given_texts(frame.rename({"review": "text"}), ("text",)) == TEXTS
    assert given_texts(frame["review"], ("text",)) == TEXTS


def test_pandas_itself():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": TEXTS, "label": [1, None, 0]})
    with pytest.raises(InputError, match="row 1: label: there is none"):
        rows(frame)
    made = rows(frame.dropna(), label_type="class")
    assert [row["label"] for row in read(made)] == [b"1", b"0"]
    assert read(rows(frame["text"], frame.index % 2 == 0))[0] == {"text": b"good film", "label": True}


@pytest.mark.parametrize(
    ("labels", "dtype", "first"),
    [
        (["neg", " pos", "1.0"], tf.string, b"neg"),
        ([0, 1, 2], tf.int64, 0),
        (np.array([0, 1, 2], "int32"), tf.int64, 0),
        ([0.5, 1, 2], tf.float32, 0.5),
        ([True, False, True], tf.bool, True),
        (["neg", 1, 2.0], tf.string, b"neg"),
        ([10**30, 1, 2], tf.string, b"1" + b"0" * 30),
        (tf.constant([3, 1, 2]), tf.int64, 3),
        (np.array([[2], [0], [1]]), tf.int64, 2),
        (tf.constant([["neg"], ["pos"], ["neg"]]), tf.string, b"neg"),
    ],
)
def test_labels_are_what_they_are(labels, dtype, first):
    made = rows(TEXTS, labels)
    assert made.element_spec["label"].dtype == dtype
    assert read(made)[0]["label"] == first


def test_label_types_are_asked_for():
    assert [row["label"] for row in read(rows(TEXTS, [1, 2.0, "3"], label_type="class"))] == [b"1", b"2", b"3"]
    assert [row["label"] for row in read(rows(TEXTS, [1, 2.5, "3"], label_type="number"))] == [1.0, 2.5, 3.0]
    several = read(rows(TEXTS, [["x", "y"], [], ("x",)]))
    assert [row["label"].tolist() for row in several] == [[b"x", b"y"], [], [b"x"]]
    frame = rows(TEXTS, Frame({"x": [1, 0, 0], "y": [0, 1, 0], "z": [0, 0, 1]}))
    assert [row["label"].tolist() for row in read(frame)] == np.eye(3).tolist()
    one_hot = rows(TEXTS, np.eye(3))
    assert one_hot.element_spec["label"] == tf.TensorSpec([3], tf.float32)


def test_several_labels_in_a_string_or_a_set():
    expected = [[b"x", b"y"], [], [b"x"]]
    for labels in (["x|y", "", "x"], ["['x', 'y']", "[]", "['x']"], [{"y", "x"}, set(), frozenset({"x"})]):
        made = rows(TEXTS, labels, label_type="classes")
        assert [row["label"].tolist() for row in read(made)] == expected
    assert read(rows(TEXTS, ["nan", "['x']", "y"], label_type="class"))[0]["label"] == b"nan"


def test_named_tuples_are_rows_of_a_table():
    row = collections.namedtuple("Pandas", ["Index", "text", "label"])  # what df.itertuples() gives
    made = read(rows([row(index, text, index) for index, text in enumerate(TEXTS)]))
    assert made[1] == {"text": TEXTS[1].encode(), "label": 1}


def test_columns_that_have_numbers_for_names():
    made = read(rows(Frame({0: TEXTS, 1: ["x", "y", "x"]}), text=0, label=1))
    assert made[1] == {"text": TEXTS[1].encode(), "label": b"y"}


def test_pairs():
    expected = {"text": b"good film", "text_pair": b"a"}
    assert read(rows(TEXTS, text_pairs=["a", "b", "c"]))[0] == expected
    assert read(rows([(text, "a") for text in TEXTS]))[0] == expected
    assert read(rows(np.array([[text, "a"] for text in TEXTS])))[0] == expected


def test_choices():
    made = rows({"text": TEXTS, "choices": [["a", "b"]] * 3, "label": [0, 1, 0]})
    assert made.element_spec["choices"] == tf.TensorSpec([2], tf.string)
    unequal = read(rows({"text": TEXTS, "choices": [["a", "b"], ["c"], ["d", "e", "f"]]}))
    assert [len(row["choices"]) for row in unequal] == [2, 1, 3]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("good film",), {}, r"texts: expected a list, received the string 'good film'; write \['good film'\]"),
        (({"a", "b"},), {}, "texts: expected a list, received a set, which has no order"),
        ((3,), {}, "texts: expected a list, received int 3"),
        (([],), {}, "there are no rows"),
        ((["a", None],), {}, r"row 1: text: there is none \(None\)"),
        ((["a", float("nan")],), {}, r"row 1: text: there is none \(nan\)"),
        ((["a", 3],), {}, "row 1: text: expected a string, found int 3"),
        ((["a", "\ud800"],), {}, "row 1: text: half of a surrogate pair at character 1"),
        (([("a", "b", "c")],), {}, "row 0: expected a text or a pair of texts"),
        ((TEXTS, ["x", "y"]), {}, "3 texts, but 2 labels: one for each text is needed"),
        ((TEXTS, "neg"), {}, "labels: expected a list, received the string 'neg'"),
        ((TEXTS, [1.0, float("nan"), 2.0]), {}, r"row 1: label: there is none \(nan\)"),
        ((TEXTS, ["x", None, "y"]), {}, r"row 1: label: there is none \(None\)"),
        ((TEXTS, ["x", " ", "y"]), {}, "row 1: label: it is empty"),
        ((TEXTS, [["x"], "y", []]), {}, "row 1: label: expected a list of labels, as in other rows, found 'y'"),
        ((TEXTS, [[0, 1], [1], [1, 0]]), {}, "rows of numbers must have one for each class"),
        ((TEXTS, ["x", "y", "z"]), {"label_type": "number"}, "row 0: field 'label': expected a number, found 'x'"),
        ((TEXTS, ["x", "y", "z"]), {"label_type": "clas"}, "label_type 'clas': expected one of class, number, classes"),
        ((TEXTS,), {"weights": [1, -1, 0]}, "row 1: field 'weight': expected a weight of 0 or more, found -1"),
        ((TEXTS,), {"weights": [1, float("nan"), 0]}, "row 1: field 'weight': expected a finite number"),
        (({"text": ["a"], "label": ["x", "y"]},), {}, "the columns have unlike numbers of rows: 'text' 1, 'label' 2"),
        (([{"text": "a"}, {"txt": "b"}],), {}, "row 1: no 'text', which other rows have; it has: 'txt'"),
        (([{"text": "a"}, {"text": "b", "label": "x"}],), {}, "row 0: no 'label', which other rows have"),
        ((["a", b"\xe9"],), {}, "row 1: text: bytes that are not UTF-8"),
        ((tf.constant("a"),), {}, "texts: expected a list, received a single value"),
        (
            (TEXTS, ["x", "nan", "y"]),
            {},
            r"row 1: label: 'nan' looks like a label that is missing; .*label_type='class'",
        ),
        ((TEXTS, ["['x']", "[]", "['y']"]), {}, r"row 0: label: .* looks like a list of labels; .*'classes'"),
        (({"text": "abc", "label": "x"},), {}, "column 'text': expected a list, received the string 'abc'"),
        (({"text": ["a"], "label": ["x"]}, ["x"]), {"label": "label"}, "labels are given, and label='label' too"),
    ],
)
def test_what_is_no_row_gets_one_line(arguments, options, message):
    with pytest.raises(InputError, match=message) as error:
        rows(*arguments, **options)
    assert "\n" not in str(error.value)
