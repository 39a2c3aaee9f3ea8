"""A written text."""

from collections.abc import Mapping
from typing import Any

from keras_bert.app.faces.face import Face


class WriterFace(Face):
    """The text that the model writes, and what else its beams found."""

    def outputs(self) -> list[Any]:
        """Makes the text and the table of hypotheses."""
        return [
            self.gradio.Textbox(label="Written text", interactive=False, lines=3, elem_id="answer"),
            self.gradio.Dataframe(headers=["text", "score"], label="Hypotheses", interactive=False),
        ]

    def answer(self, row: Mapping[str, Any]) -> list[Any]:
        """Gives the best text, and all hypotheses with their scores."""
        found = self.model.answer([row["text"]])[0]
        others = found.get("hypotheses", [found])
        return [found["text"], [[other["text"], round(other["score"], 4)] for other in others]]
