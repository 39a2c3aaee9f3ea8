"""Labelled questions: answered to be scored, with the loss of their windows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf
from absl import logging

from keras_bert.data.question_rows import question_rows
from keras_bert.errors import InputError
from keras_bert.tasks.question_answering.log_odds import CERTAIN
from keras_bert.tasks.question_answering.search import choose, search
from keras_bert.tasks.question_answering.windows import QuestionWindows, answer_positions

FIELDS = ("question", "context", "answer_start", "answer_end")


def answers_and_losses(
    asked: QuestionWindows, context: Any, start: Any, end: Any, logits: Callable, max_answer_length: int
) -> dict[str, tf.Tensor]:
    """Answers questions whose answers are known, in the graph.

    Args:
        asked: Their windows.
        context: string (rows,).
        start: int32 (rows,), as for `answer_positions`.
        end: int32 (rows,).
        logits: As for `search`.
        max_answer_length: Tokens of a span.

    Returns:
        Numbers alone, which replicas can exchange. Of the best span whatever the threshold: `start` and `end` int32
        (rows,), bytes of the context, `score`, `no_answer_score`, `no_answer_log_odds` float32 (rows,). `loss` and
        `windows` float32 (rows,), the sum of the losses of a row's windows and how many they are, 0 where nothing can
        be learned; `question_tokens_cut` int32 (rows,).
    """
    positions, usable = answer_positions(asked, start, end)
    spans = search(asked, tf.size(context), logits, max_answer_length, positions)
    answers = choose(context, spans, threshold=CERTAIN)
    row = asked.windows.row
    counted = tf.cast(tf.gather(usable, row), tf.float32)
    return {
        **{name: answers[name] for name in ("start", "end", "score", "no_answer_score")},
        "no_answer_log_odds": spans["no_answer"] - spans["score"][:, 0],
        "loss": tf.math.unsorted_segment_sum(spans["loss"] * counted, row, tf.size(context)),
        "windows": tf.math.unsorted_segment_sum(counted, row, tf.size(context)),
        "question_tokens_cut": asked.cut,
    }


def answer_labelled(
    rows: Any, function: Callable[..., Mapping[str, Any]], batch_size: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Answers labelled questions, those about texts of like length together.

    Args:
        rows: As `keras_bert.data.read_squad` and `question_rows` make them, or what `question_rows` takes.
        function: From a batch of `FIELDS` to what `answers_and_losses` gives.
        batch_size: Questions at a time.

    Returns:
        In the order of the rows: what the function gives, as dicts with `answer`, a string, in place of its `start` and
        `end`; and the rows' `id` and `answers`.

    Raises:
        InputError: There are no rows, or they have no answers.
    """
    rows = rows if isinstance(rows, tf.data.Dataset) else question_rows(rows)
    if "answers" not in rows.element_spec:
        raise InputError("the rows have no answers: read them with keras_bert.data.read_squad(file)")
    read = list(rows.as_numpy_iterator())
    if not read:
        raise InputError("there are no rows to evaluate")
    targets = [{"id": row["id"].decode(), "answers": [answer.decode() for answer in row["answers"]]} for row in read]
    order = sorted(range(len(read)), key=lambda index: len(read[index]["context"]))
    outputs: list[dict[str, Any]] = [{} for _ in read]
    for begin in range(0, len(order), batch_size):
        chunk = order[begin : begin + batch_size]
        found = function(*(tf.constant([read[index][name] for index in chunk]) for name in FIELDS))
        columns = {name: tensor.numpy().tolist() for name, tensor in found.items()}
        for index, *values in zip(chunk, *columns.values(), strict=True):
            numbers = dict(zip(columns, values, strict=True))
            answer = read[index]["context"][numbers.pop("start") : numbers.pop("end")]
            outputs[index] = {"answer": answer.decode("utf-8", "replace"), **numbers}
    say_cut(outputs)
    return outputs, targets


def say_cut(answers: Sequence[Mapping[str, Any]]) -> None:
    """Counts the questions of which tokens were left out, and logs how many they are."""
    if cut := sum(answer["question_tokens_cut"] > 0 for answer in answers):
        logging.warning("%d questions are longer than max_question_length, and are cut", cut)
