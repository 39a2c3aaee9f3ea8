"""The words are the model's."""

import pytest

from keras_bert.app.faces.mask_filler import MaskFillerFace
from keras_bert.errors import InputError
from tests.app.models import every_model


def test_words_of_each_mask():
    model = every_model()["mask_filler"]
    (table,) = MaskFillerFace(model, None).answer({"text": "a [MASK] is [MASK]"})
    masks = model.answer(["a [MASK] is [MASK]"])[0]
    assert [row[:2] for row in table] == [
        [number, word["token"]] for number, words in enumerate(masks, 1) for word in words
    ]
    with pytest.raises(InputError, match=r"no \[MASK\]"):
        MaskFillerFace(model, None).answer({"text": "a film"})
