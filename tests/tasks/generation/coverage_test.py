"""What of rows is cut, and what of their targets a vocabulary cannot write, counted by hand."""

import pytest
import tensorflow as tf

from keras_bert.tasks.generation.coverage import Cuts, count_cuts, unwritable
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.tasks import tiny

TARGETS = ["A Zebra", "the good Film was so bad", "Été"]


def rows(targets: list[str]) -> tf.data.Dataset:
    texts = ["a film", "a very very good book", "it"]
    return tf.data.Dataset.from_tensor_slices({"text": texts[: len(targets)], "target": targets})


def test_what_is_longer_than_fits():
    """The ends of a row and of a target count."""
    tokenizer = BertTokenizer(tiny.VOCABULARY)
    assert count_cuts(tokenizer, rows(TARGETS), 7, 7) == Cuts(3, 0, 0)
    assert count_cuts(tokenizer, rows(TARGETS), 6, 6) == Cuts(3, 1, 1)
    texts = rows(TARGETS).map(lambda row: {"text": row["text"]})
    assert count_cuts(tokenizer, texts, 4, 2) == Cuts(3, 1, 0)


def test_words_that_cannot_be_written():
    found = unwritable(BertTokenizer(tiny.VOCABULARY), rows(TARGETS))
    assert (found.words, found.share, found.examples) == (9, pytest.approx(2 / 9), ["Zebra", "Été"])
    assert (found.lost_share, found.lost_examples) == (pytest.approx(4 / 9), ["A", "Zebra", "Film", "Été"])
    assert unwritable(BertTokenizer(tiny.VOCABULARY), rows(TARGETS), most_rows=1).words == 2
