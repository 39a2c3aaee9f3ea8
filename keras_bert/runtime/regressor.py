"""A number for each text."""

from collections.abc import Iterable
from typing import Any

from keras_bert.runtime.model import Given, RuntimeModel


class Regressor(RuntimeModel):
    """A `BertRegressor`."""

    def answer(self, texts: Iterable[Given], batch_size: int | None = None) -> list[Any]:
        """Answers each text with a dict with its `score`; see `RuntimeModel.answer`."""
        rows = [self._pack(*self._parts(index, text)) for index, text in enumerate(self._listed(texts))]
        return [{"score": float(output["logits"][0])} for output in self._run(rows, batch_size)]
