"""Classes as bars."""

from collections.abc import Mapping
from typing import Any

from keras_bert.app.faces.face import MOST_BARS, Face


class ClassifierFace(Face):
    """Classes with bars as long as they are likely."""

    def outputs(self) -> list[Any]:
        """Makes the bars."""
        return [self.gradio.Label(num_top_classes=MOST_BARS, label="Classes", elem_id="answer")]

    def answer(self, row: Mapping[str, Any]) -> list[Any]:
        """Gives the probability of each class."""
        return [self.model.answer([dict(row)], scores=True)[0]["scores"]]
