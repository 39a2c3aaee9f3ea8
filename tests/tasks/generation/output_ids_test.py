"""Ids, and their numbers in a shortlist, both ways."""

import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks.generation.output_ids import OutputIds, ids_in
from tests.tasks import tiny

TOKENIZER = tiny.preprocessor().tokenizer


def test_ids_there_and_back():
    short = OutputIds(TOKENIZER, [9, 7, 7])
    assert short.tolist() == [0, 1, 2, 3, 4, 7, 9]  # the special tokens are always there
    ids = tf.constant([[9, 3], [8, 7]])
    places = short.place(ids)
    assert places.numpy().tolist() == [[6, 3], [1, 5]]  # 8 counts as [UNK]
    assert short.ids(places).numpy().tolist() == [[9, 3], [1, 7]]
    assert short.places_of([9, 8, [7, 9], [7, 8]]) == [6, [5, 6]]


def test_all_ids_are_their_own_numbers():
    every = OutputIds(TOKENIZER)
    assert every.tolist() is None
    assert len(every) == TOKENIZER.vocabulary_size
    assert every.places_of([9, [7, 8]]) == [9, [7, 8]]


def test_the_ids_of_texts():
    texts = tf.data.Dataset.from_tensor_slices(["good film", "film", "zzz"])
    expected = {TOKENIZER.token_to_id(token) for token in ("good", "film", "[UNK]")}
    assert ids_in(TOKENIZER, texts) == sorted(expected)


def test_ids_outside_are_refused():
    with pytest.raises(InputError, match="output_ids: 0 to 999; the vocabulary has the ids 0 to"):
        OutputIds(TOKENIZER, [999])
