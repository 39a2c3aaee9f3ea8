"""How far the outputs of a student are from those of its teacher, task by task."""

from typing import Any

from keras import ops

from keras_bert.compression.distillation.terms import divergence, divergence_of_marks, squared_distance
from keras_bert.errors import InputError
from keras_bert.tasks.base.long_texts import refuse_long_texts
from keras_bert.tasks.embedding.embedder import BertEmbedder
from keras_bert.tasks.pooled.classifier import BertClassifier
from keras_bert.tasks.pooled.head import MULTI_LABEL
from keras_bert.tasks.pooled.regressor import BertRegressor
from keras_bert.tasks.question_answering.answerer import BertQuestionAnswerer
from keras_bert.tasks.tagging.tagger import BertTokenClassifier
from keras_bert.text.long_texts import WINDOWS

TASKS = (BertClassifier, BertRegressor, BertTokenClassifier, BertQuestionAnswerer, BertEmbedder)
"""Tasks that can be distilled."""


def check_task(task: Any) -> None:
    """Refuses a task that cannot be distilled, an `InputError`."""
    if not isinstance(task, TASKS):
        names = ", ".join(known.__name__ for known in TASKS)
        raise InputError(f"a {type(task).__name__} cannot be distilled; there are: {names}")
    refuse_long_texts(task, "distillation", WINDOWS)


def output_distance(task: Any, student: Any, teacher: Any, temperature: float) -> Any:
    """Compares outputs.

    Args:
        task: The student, which says what its outputs are.
        student: Outputs of the student, float (rows, ...), as the class of the task describes them; vectors projected
            to the teacher's size where that differs.
        teacher: Those of the teacher.
        temperature: See `divergence`.

    Returns:
        float32 (rows,): of classes `divergence`, of several classes a row `divergence_of_marks`, of numbers and vectors
        `squared_distance`, of answers the mean of `divergence` over the places of the first and of the last token.
        Of tags float32 (rows, tokens), `divergence` a token.
    """
    if isinstance(task, BertEmbedder | BertRegressor):
        return squared_distance(student, teacher)
    if isinstance(task, BertQuestionAnswerer):
        return ops.mean(divergence(student, teacher, temperature), axis=-1)
    if isinstance(task, BertClassifier) and task.problem_type == MULTI_LABEL:
        return divergence_of_marks(student, teacher, temperature)
    return divergence(student, teacher, temperature)


def token_axis(task: Any) -> int | None:
    """Returns the axis of a task's outputs that is of tokens; None where they are of a row."""
    if isinstance(task, BertTokenClassifier):
        return 1
    return 2 if isinstance(task, BertQuestionAnswerer) else None
