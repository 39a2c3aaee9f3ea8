"""Batches of rows in any form are those of the rows that `read_tags` makes."""

import numpy as np
import pytest

from keras_bert.errors import InputError
from tests.tasks import tiny, tiny_tags

TABLE = [
    {"words": text.split(), "labels": [tiny_tags.tag_of(*pair) for pair in zip(words, ["", *words], strict=False)]}
    for text in tiny.TEXTS
    for words in [text.split()]
]


def test_lists_of_dicts_are_rows_of_tagged_words():
    model = tiny_tags.tagger()
    rows = tiny_tags.rows()
    for (inputs, *more), (others, *again) in zip(model.batches(TABLE, 3), model.batches(rows, 3), strict=True):
        for name, tensor in inputs.items():
            np.testing.assert_array_equal(tensor, others[name])
        for tensor, other in zip(more, again, strict=True):
            assert tensor.shape == inputs["token_ids"].shape
            np.testing.assert_array_equal(tensor, other)
    assert model.evaluate_rows(TABLE) == model.evaluate_rows(rows)
    assert model.predict_rows(TABLE) == model.predict_rows(rows)
    words = [row["words"] for row in TABLE]
    assert model.answer({"words": words}) == model.answer(words)
    model.compile("sgd")
    assert np.isfinite(model.fit(model.batches(TABLE, 4), verbose=0).history["loss"][0])


def test_the_separator_and_the_scheme_are_the_models():
    model = tiny_tags.tagger(["O", "BAD", "GOOD"], scheme="IO", word_separator="")
    (row,) = model._rows().read([{"words": ["bad", "s", "good"], "labels": ["BAD", "BAD", "O"]}]).as_numpy_iterator()
    assert (row["text"], row["ends"].tolist()) == (b"badsgood", [3, 4, 8])


def test_what_is_no_row_gets_one_line():
    model = tiny_tags.tagger()
    for call in (model.batches, model.evaluate_rows, model.predict_rows):
        with pytest.raises(InputError, match="row 0: unknown tag 'B-ODD'; the labels are"):
            call([{"words": ["a"], "labels": ["B-ODD"]}])
        with pytest.raises(InputError, match="expected rows of tagged words: of a file with"):
            call(["good film"])
        with pytest.raises(InputError, match="the rows have no ends, starts: read them with"):
            call(tiny.dataset(tiny.LABELS))
    with pytest.raises(InputError, match="fit, evaluate and predict take batches of numbers"):
        model.fit(TABLE)
