"""Choices as bars."""

from collections.abc import Mapping
from typing import Any

from keras_bert.app.faces.face import MOST_BARS, Face


class ChooserFace(Face):
    """Choices with bars, in the order of their probability."""

    def outputs(self) -> list[Any]:
        """Makes the bars."""
        return [self.gradio.Label(num_top_classes=MOST_BARS, label="Choices", elem_id="answer")]

    def answer(self, row: Mapping[str, Any]) -> list[Any]:
        """Gives the probability of each choice; of equal ones each has its number."""
        scores = self.model.answer([dict(row)])[0]["scores"]
        choices = row["choices"]
        names = [
            choice if choices.count(choice) == 1 else f"{number}: {choice}"
            for number, choice in enumerate(choices, start=1)
        ]
        return [dict(zip(names, scores, strict=True))]
