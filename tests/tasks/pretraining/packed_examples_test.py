"""A model for packed rows answers like one without: the truth is the latter, with the same weights."""

import keras
import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.tasks import BertPretrainer, open_task
from tests.data.batching.packed_batches_test import pair
from tests.tasks import tiny

TEXTS = ["good [MASK]", "the [MASK] is very [MASK]"]


def test_it_answers_texts_and_pairs():
    plain, packing = pair()
    for one, other in zip(plain.answer(TEXTS, top_k=2), packing.answer(TEXTS, top_k=2), strict=True):
        for mask, found in zip(one, other, strict=True):
            assert [word["token"] for word in found] == [word["token"] for word in mask]
            assert [word["score"] for word in found] == pytest.approx([word["score"] for word in mask], rel=1e-4)
    pairs = [*zip(tiny.TEXTS, tiny.PAIRS, strict=True)]
    assert packing.continuation_score(pairs) == pytest.approx(plain.continuation_score(pairs), rel=1e-4)


def test_what_it_saves_is_an_ordinary_model_and_opens_for_packing(tmp_path):
    _, packing = pair()
    packing.save_preset(tmp_path / "model")
    plain, again = open_task(tmp_path / "model"), BertPretrainer.from_preset(tmp_path / "model", packing=True)
    assert (plain.encoder.packing, again.encoder.packing) == (False, True)
    for model in (plain, again):
        assert not model.load_report.new
        for old, new in zip(packing.weights_by_name(), model.weights_by_name(), strict=True):
            np.testing.assert_array_equal(old.read(), new.read())


def test_a_keras_file_keeps_the_packing(tmp_path):
    _, packing = pair()
    packing.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.encoder.packing
    assert again.get_config() == packing.get_config()
    batches = packing.batches(tiny.pretraining_examples(), 12)
    assert again.evaluate_examples(batches) == pytest.approx(packing.evaluate_examples(batches), rel=1e-5)


def test_rows_of_several_examples_need_packing():
    with pytest.raises(InputError, match=r"row_length is for a model with packing: from_preset\(\.\.\., packing=True"):
        tiny.pretrainer().batches(tiny.pretraining_examples(), row_length=32)
