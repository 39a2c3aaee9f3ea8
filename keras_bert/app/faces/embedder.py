"""How alike two texts are."""

from collections.abc import Mapping
from typing import Any

from keras_bert.app.faces.face import Face
from keras_bert.serving.similarity import pair_similarity


class EmbedderFace(Face):
    """How alike two texts are."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Two texts, though the model reads one at a time."""
        return ("text", "text_pair")

    def outputs(self) -> list[Any]:
        """Makes the number."""
        label = f"Similarity ({self.model.similarity})"
        return [self.gradio.Number(label=label, interactive=False, precision=4, elem_id="answer")]

    def answer(self, row: Mapping[str, Any]) -> list[Any]:
        """Gives the similarity of the two texts' vectors."""
        first, second = self.model.embed([row["text"], row["text_pair"]])
        return [float(pair_similarity(self.model.similarity, first[None], second[None])[0])]
