"""Which of several choices goes with a text."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_bert.errors import InputError
from keras_bert.runtime.model import RuntimeModel
from keras_bert.runtime.numbers import softmax
from keras_bert.runtime.text import shown

_ABSENT = -1e9  # the logit of a choice that is an empty string: none


class Chooser(RuntimeModel):
    """A `BertMultipleChoice`."""

    def answer(self, texts: Iterable[Any], batch_size: int | None = None) -> list[Any]:
        """Chooses, see `BertMultipleChoice.answer`.

        Args:
            texts: Pairs of a text and a list of choices, or triples with a question between; or dicts of these.
            batch_size: Texts with one choice that run together; None: as many as are fastest.
        """
        listed = self._listed(texts, "texts with their choices; for one write answer([(text, choices)])")
        given = [self._row(index, row) for index, row in enumerate(listed)]
        rows = [self._pack(text, choice) for text, choices, _ in given for choice in choices]
        outputs = iter(self._run(rows, batch_size))
        answers = []
        for _, choices, own in given:
            logits = np.array([next(outputs)["logits"][0] for _ in choices], np.float32)
            logits[[not choice for choice in own]] = _ABSENT
            scores = softmax(logits)
            best = int(scores.argmax())
            told = {"choice": best, "text": shown(own[best]), "score": float(scores[best]), "scores": scores.tolist()}
            answers.append(told)
        return answers

    def _row(self, index: int, row: Any) -> tuple[bytes, list[bytes], list[bytes]]:
        """Returns a text, what is packed with it for each choice, and the choices, in UTF-8."""
        question = self.settings["question"]
        fields = ("text", "question", "choices") if question else ("text", "choices")
        if isinstance(row, Mapping):
            row = tuple(row.get(name) for name in fields)
        parts = tuple(row) if isinstance(row, list | tuple) else ()
        is_list = bool(parts) and isinstance(parts[-1], Sequence | np.ndarray)
        if len(parts) != len(fields) or not is_list or isinstance(parts[-1], str | bytes):
            asked = "a text, a question" if question else "a text"
            raise InputError(f"text {index}: expected {asked} and a list of choices, received: {row!r:.80}")
        *texts, choices = parts
        if not len(choices):
            raise InputError(f"text {index}: has no choices")
        if not all(isinstance(part, str | bytes) for part in (*texts, *choices)):
            raise InputError(f"text {index}: expected strings, received: {row!r:.80}")
        text, *questions = map(_utf8, texts)
        own = [_utf8(choice) for choice in choices]
        return text, [b" ".join([*questions, choice]) for choice in own], own


def _utf8(text: str | bytes) -> bytes:
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
