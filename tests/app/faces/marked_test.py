"""Parts joined are the text."""

from keras_bert.app.faces.marked import marked


def test_parts_joined_are_the_text():
    text = "ab cd ef"
    spans = [(6, 8, "y"), (0, 2, "x")]
    assert marked(text, spans) == [("ab", "x"), (" cd ", None), ("ef", "y")]
    assert marked(text, []) == [(text, None)]
    assert marked("", []) == []
