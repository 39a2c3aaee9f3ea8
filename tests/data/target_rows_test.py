"""Texts and targets as people have them."""

import pytest
import tensorflow as tf

from keras_bert.data import target_rows
from keras_bert.errors import InputError

PAIRS = [("ein hund", "a dog"), ("zwei hunde", "two dogs")]


def listed(rows: tf.data.Dataset) -> list[tuple[str, str]]:
    return [(row["text"].decode(), row["target"].decode()) for row in rows.as_numpy_iterator()]


def test_every_way_to_give_them():
    texts, targets = zip(*PAIRS, strict=True)
    table = {"text": list(texts), "target": list(targets), "id": [1, 2]}
    dicts = [{"text": text, "target": target} for text, target in PAIRS]
    for given in (PAIRS, table, dicts, target_rows(PAIRS)):
        assert listed(target_rows(given)) == PAIRS
    assert listed(target_rows(list(texts), list(targets))) == PAIRS
    pandas = pytest.importorskip("pandas")
    assert listed(target_rows(pandas.DataFrame(table))) == PAIRS


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"text": ["a"], "summary": ["b"]},
            "no column 'target'; rows have text and target, the columns are",
        ),
        ([("a", "b"), ("c", " ")], "row 1: target: it is empty"),
        (["a", "b"], "expected texts and targets"),
        ([("a", "b", "c")], "row 0: expected a text or a pair of texts"),
        (tf.data.Dataset.range(3), "the rows have no target"),
    ],
)
def test_what_is_no_row_is_refused(given, message: str):
    with pytest.raises(InputError, match=message):
        target_rows(given)
