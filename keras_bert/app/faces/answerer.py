"""An answer marked in its text."""

from collections.abc import Mapping
from typing import Any

from keras_bert.app.faces.face import Face
from keras_bert.app.faces.marked import marked


class AnswererFace(Face):
    """The answer marked in the text, and the next best ones."""

    def outputs(self) -> list[Any]:
        """Makes the answer, the marked text, and a table of answers."""
        return [
            self.gradio.Textbox(label="Answer", interactive=False, elem_id="answer"),
            self.gradio.HighlightedText(label="Where it stands", elem_id="place"),
            self.gradio.Dataframe(headers=["answer", "score"], label="The best of them", interactive=False),
        ]

    def answer(self, row: Mapping[str, Any]) -> list[Any]:
        """Gives the answer, its place, and the next ones."""
        found = self.model.answer([dict(row)], n_best=5)[0]
        context = row["context"]
        if found["answer"]:
            words, parts = found["answer"], marked(context, [(found["start"], found["end"], "answer")])
        else:
            words, parts = "(no answer in this text)", marked(context, [])
        table = [[other["answer"] or "(no answer)", round(other["score"], 4)] for other in found["n_best"]]
        return [words, parts, table]
