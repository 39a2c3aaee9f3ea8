"""What stands in the boxes becomes a row, and back."""

import pytest

from keras_bert.app.faces.answerer import AnswererFace
from keras_bert.app.faces.chooser import ChooserFace
from keras_bert.errors import InputError
from tests.app.models import every_model


def test_an_empty_box_is_named():
    face = AnswererFace(every_model()["answerer"], None)
    for values, words in (([" ", "a b"], "Question: empty"), (["who", None], "Text that is asked about: empty")):
        with pytest.raises(InputError, match=words):
            face.row(values)


def test_choices_are_lines():
    face = ChooserFace(every_model()["chooser"], None)
    row = face.row(["a film", "good\n\nbad\n"])
    assert row == {"text": "a film", "choices": ["good", "bad"]}
    assert face.values(row) == ["a film", "good\nbad"]
