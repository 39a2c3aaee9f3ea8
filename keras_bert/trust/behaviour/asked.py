"""A model as behaviour tests see it: rows in, a class with its probabilities, or a text, out."""

from collections.abc import Callable, Sequence
from typing import Any

from keras_bert.errors import InputError
from keras_bert.evaluation.squad import normalized
from keras_bert.tasks import BertClassifier, BertQuestionAnswerer
from keras_bert.tasks.pooled.head import SINGLE_LABEL
from keras_bert.trust.behaviour.case import Answer, Row


class Asked:
    """Asks a model that is tested.

    Args:
        model: A `BertClassifier` with one label a row, or a `BertQuestionAnswerer`, whose rows are a context and a
            question.
        batch_size: Texts a batch.

    Raises:
        InputError: It is another task.
    """

    def __init__(self, model: Any, batch_size: int = 32) -> None:
        if not isinstance(model, BertClassifier | BertQuestionAnswerer):
            raise InputError(
                "behaviour is tested of classifiers and of models that answer questions; not of a "
                f"{type(model).__name__}"
            )
        if isinstance(model, BertClassifier) and model.problem_type != SINGLE_LABEL:
            raise InputError("the classifier gives several labels a row (multi_label_classification); tests know one")
        self._model: Any = model
        self._batch_size = batch_size
        self.fields = len(model.text_fields)
        self.labels: tuple[str, ...] | None = model.labels if isinstance(model, BertClassifier) else None

    def ask(self, rows: Sequence[Row]) -> list[Answer]:
        """Answers rows, equal ones once."""
        distinct = list(dict.fromkeys(rows))
        answer: Callable[[Sequence[Row]], list[Answer]] = self._classes if self.labels else self._texts
        found = dict(zip(distinct, answer(distinct), strict=True))
        return [found[row] for row in rows]

    def same(self, answer: str, label: str) -> bool:
        """Tells whether an answer is the right one: the same class, or the same text as SQuAD compares texts."""
        return answer == label if self.labels else normalized(answer) == normalized(label)

    def _classes(self, rows: Sequence[Row]) -> list[Answer]:
        asked = [dict(zip(self._model.text_fields, row, strict=True)) for row in rows]
        found = self._model.answer(asked, self._batch_size, scores=True)
        return [Answer(answer["label"], answer["scores"]) for answer in found]

    def _texts(self, rows: Sequence[Row]) -> list[Answer]:
        asked = [{"context": context, "question": question} for context, question in rows]
        return [Answer(answer["answer"], {}) for answer in self._model.answer(asked, self._batch_size)]
