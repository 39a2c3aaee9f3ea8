"""The number is the model's."""

from keras_bert.app.faces.regressor import RegressorFace
from tests.app.models import every_model


def test_a_number():
    model = every_model()["regressor"]
    assert RegressorFace(model, None).answer({"text": "good film"}) == [model.answer(["good film"])[0]["score"]]
