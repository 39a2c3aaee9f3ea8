"""Words for each `[MASK]`."""

from collections.abc import Mapping
from typing import Any

from keras_bert.app.faces.face import Face


class MaskFillerFace(Face):
    """The words that fit in place of each `[MASK]`, with bars."""

    def outputs(self) -> list[Any]:
        """Makes the table of words."""
        headers = ["mask", "word", "score", "text"]
        return [self.gradio.Dataframe(headers=headers, label="Words for [MASK]", interactive=False, elem_id="answer")]

    def answer(self, row: Mapping[str, Any]) -> list[Any]:
        """Gives the five likeliest words of each mask."""
        masks = self.model.answer([row["text"]])[0]
        return [
            [
                [number, word["token"], round(word["score"], 4), word["text"]]
                for number, words in enumerate(masks, start=1)
                for word in words
            ]
        ]
