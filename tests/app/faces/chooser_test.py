"""The bars are the probabilities of the choices."""

from keras_bert.app.faces.chooser import ChooserFace
from tests.app.models import every_model


def test_bars_of_choices_of_which_two_are_the_same():
    model = every_model()["chooser"]
    (bars,) = ChooserFace(model, None).answer({"text": "the film", "choices": ["good", "bad", "good"]})
    assert list(bars) == ["1: good", "bad", "3: good"]
    assert list(bars.values()) == model.answer([("the film", ["good", "bad", "good"])])[0]["scores"]
