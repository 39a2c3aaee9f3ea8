"""What a page needs to know of a task."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from keras_bert.errors import InputError
from keras_bert.tasks.base.task import BertTask

NAMES = {
    "text": "Text",
    "text_pair": "Second text",
    "question": "Question",
    "context": "Text that is asked about",
    "choices": "Choices, one a line",
}
"""What the fields of texts are called on a page."""

MOST_BARS = 10
"""Classes or choices that are shown as bars; of more, the likeliest."""


class Face(ABC):
    """The inputs and outputs of a task on a page.

    Args:
        model: The task.
        gradio: The package; it is an extra, and imported by who makes the page.
    """

    def __init__(self, model: BertTask, gradio: Any) -> None:
        self.model: Any = model  # tasks answer in forms of their own
        self.gradio = gradio

    @property
    def fields(self) -> tuple[str, ...]:
        """The texts that are asked for, in their order."""
        return self.model.text_fields

    def inputs(self) -> list[Any]:
        """Makes a box for each field."""
        return [
            self.gradio.Textbox(label=NAMES.get(name, name), lines=6 if name == "context" else 2, elem_id=f"in-{name}")
            for name in self.fields
        ]

    @abstractmethod
    def outputs(self) -> list[Any]:
        """Makes what shows an answer."""

    @abstractmethod
    def answer(self, row: Mapping[str, Any]) -> list[Any]:
        """Answers texts: a value for each of `outputs`.

        Args:
            row: Each field's text; of `choices` a list.

        Raises:
            InputError: The model does not take these texts.
        """

    def row(self, values: Sequence[str | None]) -> dict[str, Any]:
        """Makes what the model takes of what stands in the boxes.

        Args:
            values: As many as `fields`.

        Raises:
            InputError: A box is empty.
        """
        row: dict[str, Any] = {}
        for name, value in zip(self.fields, values, strict=True):
            if not (value or "").strip():
                raise InputError(f"{NAMES.get(name, name)}: empty; write something there")
            row[name] = [line for line in str(value).splitlines() if line.strip()] if name == "choices" else value
        return row

    def values(self, row: Mapping[str, Any]) -> list[str]:
        """Makes of an example, a row of the fields, what stands in the boxes."""
        return ["\n".join(row[name]) if isinstance(row[name], list) else str(row[name]) for name in self.fields]
