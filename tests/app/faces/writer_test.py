"""The text and its hypotheses are the model's."""

from keras_bert.app.faces.writer import WriterFace
from tests.app.models import every_model


def test_a_text_and_its_hypotheses():
    model = every_model()["writer"]
    text, table = WriterFace(model, None).answer({"text": "good film"})
    found = model.answer(["good film"])[0]
    assert text == found["text"]
    assert [row[0] for row in table] == [other["text"] for other in found["hypotheses"]]
