"""Coloured entities."""

from collections.abc import Mapping
from typing import Any

from keras_bert.app.faces.face import Face
from keras_bert.app.faces.marked import marked


class TaggerFace(Face):
    """Entities in colour, each with its label."""

    def outputs(self) -> list[Any]:
        """Makes the coloured text and a table of entities."""
        headers = ["entity", "label", "score", "start", "end"]
        return [
            self.gradio.HighlightedText(label="Entities", show_legend=True, elem_id="answer"),
            self.gradio.Dataframe(headers=headers, label="In numbers", interactive=False),
        ]

    def answer(self, row: Mapping[str, Any]) -> list[Any]:
        """Gives the text in parts, and what is in them."""
        text = row["text"]
        entities = self.model.answer([text])[0]
        parts = marked(text, [(entity["start"], entity["end"], entity["label"]) for entity in entities])
        names = ("text", "label", "score", "start", "end")
        table = [[round(entity[name], 4) if name == "score" else entity[name] for name in names] for entity in entities]
        return [parts, table]
