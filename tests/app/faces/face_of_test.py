"""Every task has a face, which asks for what the task takes and shows what the task answers."""

import types
from typing import Any

import pytest

from keras_bert.app.faces.face_of import FACES, face_of
from keras_bert.errors import InputError
from keras_bert.tasks import BertTask
from tests.app.models import ASKED, every_model


def component(name: str):
    """A component remembers how it was made, which is all that a face does with it."""
    return lambda *_, **options: (name, options)


NAMES = ("Textbox", "Label", "Number", "HighlightedText", "Dataframe")
COMPONENTS = types.SimpleNamespace(**{name: component(name) for name in NAMES})


@pytest.mark.parametrize("name", ASKED)
def test_a_face_asks_for_the_fields_and_answers_as_many_outputs(name: str):
    face = face_of(every_model()[name], COMPONENTS)
    assert len(face.inputs()) == len(face.fields) == len(ASKED[name])
    row = face.row(ASKED[name])
    assert face.row(face.values(row)) == row
    assert len(face.answer(row)) == len(face.outputs())
    assert any(options.get("elem_id") == "answer" for _, options in face.outputs())


def test_all_tasks_are_there():
    assert {type(model) for model in every_model().values()} == set(FACES)


def test_a_task_without_a_face_is_refused():
    class Other:
        pass

    other: Any = Other()
    assert not isinstance(other, BertTask)
    with pytest.raises(InputError, match="a Other has no page; there is one for BertClassifier, "):
        face_of(other, COMPONENTS)
