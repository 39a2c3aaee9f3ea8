"""A number."""

from collections.abc import Mapping
from typing import Any

from keras_bert.app.faces.face import Face


class RegressorFace(Face):
    """A number."""

    def outputs(self) -> list[Any]:
        """Makes the number."""
        return [self.gradio.Number(label="Score", interactive=False, precision=4, elem_id="answer")]

    def answer(self, row: Mapping[str, Any]) -> list[Any]:
        """Gives the number."""
        return [self.model.answer([dict(row)])[0]["score"]]
