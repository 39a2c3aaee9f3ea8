"""What is coloured is what the model found."""

from keras_bert.app.faces.tagger import TaggerFace
from tests.app.models import ASKED, every_model


def test_entities_in_colour_and_in_numbers():
    model, text = every_model()["tagger"], ASKED["tagger"][0]
    parts, table = TaggerFace(model, None).answer({"text": text})
    assert "".join(part for part, _ in parts) == text
    entities = model.answer([text])[0]
    assert entities
    assert [(part, name) for part, name in parts if name] == [(each["text"], each["label"]) for each in entities]
    assert [row[0] for row in table] == [each["text"] for each in entities]
