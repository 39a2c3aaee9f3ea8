"""What the tasks that can be explained have in common: their texts, their answers, and a reading of each text."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_bert.errors import InputError
from keras_bert.serving.similarity import pair_similarity
from keras_bert.tasks import BertClassifier, BertEmbedder, BertQuestionAnswerer, BertRegressor, BertTokenClassifier
from keras_bert.tasks.base.long_texts import refuse_long_texts
from keras_bert.tasks.base.task import BertTask
from keras_bert.tasks.question_answering.character_answers import valid_utf8
from keras_bert.text.character_offsets import bytes_of, characters_of
from keras_bert.text.long_texts import HEAD_TAIL, WINDOWS
from keras_bert.trust.explain.readers.answered import chosen_span, read_answered
from keras_bert.trust.explain.readers.pooled import read_pooled
from keras_bert.trust.explain.readers.similar import read_similar
from keras_bert.trust.explain.readers.tagged import chosen_entity, read_tagged
from keras_bert.trust.explain.reading import Reading
from keras_bert.trust.explain.scorer import Scorer

NO_ENTITY = "the model finds no entity in this text"

_TASKS = (BertClassifier, BertRegressor, BertTokenClassifier, BertQuestionAnswerer, BertEmbedder)


class Given(NamedTuple):
    """A text, or two, as the caller gave it.

    Attributes:
        shown: By field, as a string or as bytes.
        data: By field, as UTF-8, with as many characters.
    """

    shown: Mapping[str, str | bytes]
    data: Mapping[str, bytes]

    def places(self, field: str, places: Any) -> list[list[int]]:
        """Turns bytes (places, 2) of a text into the caller's units: characters, or bytes of a text in bytes."""
        places = np.asarray(places, np.int64).reshape(-1, 2)
        if isinstance(self.shown[field], str):
            places = characters_of(self.data[field], places.reshape(-1)).reshape(-1, 2)
        return places.tolist()

    def in_bytes(self, field: str, place: Mapping[str, Any]) -> dict[str, Any]:
        """Turns `start` and `end` of a place in the caller's units into bytes.

        Raises:
            InputError: They do not lie in the text.
        """
        start, end = place["start"], place["end"]
        size = len(self.shown[field])
        if not all(isinstance(number, int) for number in (start, end)) or not 0 <= start <= end <= size:
            raise InputError(f"target: start={start!r:.20} and end={end!r:.20} are no place in a text of {size}")
        if isinstance(self.shown[field], str):
            start, end = bytes_of(self.data[field], [start, end]).tolist()
        return {**place, "start": start, "end": end}


def fields_of(task: BertTask) -> tuple[str, ...]:
    """Returns the texts of a row that is explained.

    Raises:
        InputError: The task cannot be explained.
    """
    if not isinstance(task, _TASKS):
        known = ", ".join(cls.__name__ for cls in _TASKS)
        raise InputError(f"a {type(task).__name__} cannot be explained; these can: {known}")
    refuse_long_texts(task, "explain", HEAD_TAIL, WINDOWS)
    return ("text", "text_pair") if isinstance(task, BertEmbedder) else task.text_fields


def given_row(task: BertTask, index: int, text: Any, fields: tuple[str, ...]) -> Given:
    """Takes a text as the caller gave it.

    Args:
        task: The task.
        index: Its number, for messages.
        text: As `answer` takes it; of an embedder a pair.
        fields: Those of the task.

    Raises:
        InputError: It is not what the task takes.
    """
    data = task.texts_of(index, text, fields)
    if isinstance(text, Mapping):
        parts = [text[name] for name in fields]
    else:
        parts = [text] if isinstance(text, str | bytes) else list(text)
    if isinstance(task, BertQuestionAnswerer):
        data = tuple(valid_utf8(own) if isinstance(part, str) else own for part, own in zip(parts, data, strict=True))
    return Given(dict(zip(fields, parts, strict=True)), dict(zip(fields, data, strict=True)))


def answers_of(task: BertTask, rows: Sequence[Given], targets: Sequence[Any]) -> list[Any]:
    """Answers texts, those of which the answer is shown or explained.

    Args:
        task: The task.
        rows: The texts.
        targets: What is explained of each.

    Returns:
        What `answer` gives, of a classifier with all classes; of an embedder the `similarity`; None where a place is
        given in place of the answer.
    """
    if isinstance(task, BertEmbedder):
        firsts, seconds = (task.embed([row.shown[field] for row in rows]) for field in ("text", "text_pair"))
        return [{"similarity": float(value)} for value in pair_similarity(task.similarity, firsts, seconds)]
    texts: list[Any] = [dict(row.shown) for row in rows]
    if isinstance(task, BertClassifier):
        return task.answer(texts, scores=True)
    if not isinstance(task, BertTokenClassifier | BertQuestionAnswerer):
        return task.answer(texts)
    is_asked = [target is None or isinstance(target, int) for target in targets]
    asked = [text for text, needs in zip(texts, is_asked, strict=True) if needs]
    answers = iter(task.answer(asked) if asked else ())
    return [next(answers) if needs else None for needs in is_asked]


def read_row(
    task: BertTask, row: Given, answer: Any, target: Any, index: int, scorer: Scorer
) -> tuple[Reading | None, dict[str, Any] | None]:
    """Reads a text as a task does.

    Args:
        task: The task.
        row: The text.
        answer: What `answers_of` gives.
        target: What is explained, see `keras_bert.trust.explain`.
        index: The number of the text, for messages.
        scorer: That of the task.

    Returns:
        The reading, and the answer that is explained; None and None where there is nothing to explain.

    Raises:
        InputError: The target is none of this task's.
    """
    if isinstance(task, BertTokenClassifier):
        entity = chosen_entity(answer, target, index)
        if entity is None:
            return None, None
        return read_tagged(task, row.data, row.in_bytes("text", entity), scorer), dict(entity)
    if isinstance(task, BertQuestionAnswerer):
        span = chosen_span(answer, target)
        return read_answered(task, row.data, row.in_bytes("context", span), scorer), dict(span)
    if isinstance(task, BertEmbedder):
        return read_similar(task, row.data, target), answer
    shown = {name: value for name, value in answer.items() if name != "scores" or "label" not in answer}
    return read_pooled(task, row.data, answer, target), shown
