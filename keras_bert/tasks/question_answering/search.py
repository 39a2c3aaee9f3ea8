"""The search for answers in the windows of texts of any length, in the graph."""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from keras_bert.tasks.question_answering.spans import IMPOSSIBLE, row_spans, texts_of, window_spans
from keras_bert.tasks.question_answering.windows import QuestionWindows

N_BEST = 10
"""Spans that are found for each question."""

WINDOWS_AT_ONCE = 32
"""Windows that go through the model together, however many a text has."""


def search(
    asked: QuestionWindows,
    rows: Any,
    logits: Callable[[Mapping[str, Any]], Any],
    max_answer_length: int,
    positions: Any = None,
) -> dict[str, Any]:
    """Finds the best spans of each row.

    Args:
        asked: The windows of the rows.
        rows: int32 scalar.
        logits: From ragged `token_ids` and `segment_ids` of some windows to the model's float32 (windows, 2, tokens).
        max_answer_length: Tokens of a span.
        positions: Targets, int32 (windows, 2), where the loss is asked for.

    Returns:
        What `row_spans` gives, `N_BEST` spans a row; with `positions` also `loss` float32 (windows,).
    """
    total = tf.size(asked.windows.row)
    parts: dict[str, tuple[Any, list[int]]] = {
        "score": (tf.float32, [N_BEST]),
        "start": (tf.int32, [N_BEST]),
        "end": (tf.int32, [N_BEST]),
        "no_answer": (tf.float32, []),
    }
    if positions is not None:
        parts["loss"] = (tf.float32, [])
    arrays = {
        name: tf.TensorArray(dtype, 0, True, infer_shape=False, element_shape=[None, *shape])
        for name, (dtype, shape) in parts.items()
    }

    def step(chunk: Any, arrays: Any) -> Any:
        begin = chunk * WINDOWS_AT_ONCE
        end = tf.minimum(begin + WINDOWS_AT_ONCE, total)
        outputs = logits({name: values[begin:end] for name, values in asked.inputs.items()})
        found = window_spans(outputs, asked, begin, max_answer_length, N_BEST)
        if positions is not None:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(positions[begin:end], outputs)
            found["loss"] = tf.reduce_mean(losses, axis=1)
        return chunk + 1, {name: array.write(chunk, found[name]) for name, array in arrays.items()}

    chunks = (total + WINDOWS_AT_ONCE - 1) // WINDOWS_AT_ONCE
    # One after the other: what goes on at once needs its memory at once.
    _, arrays = tf.while_loop(lambda chunk, _: chunk < chunks, step, (tf.constant(0), arrays), parallel_iterations=1)
    spans = {name: tf.reshape(array.concat(), [-1, *parts[name][1]]) for name, array in arrays.items()}
    result = row_spans(spans, asked.windows.row, rows)
    return result if positions is None else {**result, "loss": spans["loss"]}


def choose(context: Any, spans: Mapping[str, Any], threshold: Any) -> dict[str, Any]:
    """Chooses between the best span of each row and no answer.

    Args:
        context: string (rows,).
        spans: As `search` gives them.
        threshold: float32 scalar, log-odds; a row is not answered where no answer is likelier than that against the
            best span.

    Returns:
        What `BertQuestionAnswerer.answer_strings` does, but for `question_tokens_cut`.
    """
    real = spans["score"] > IMPOSSIBLE / 2
    answers, starts, ends = texts_of(context, tf.where(real, spans["start"], 0), tf.where(real, spans["end"], 0))
    scores = tf.where(real, tf.exp(spans["score"]), 0.0)
    log_odds = spans["no_answer"] - spans["score"][:, 0]
    answered = real[:, 0] & (log_odds <= threshold)
    return {
        "answer": tf.where(answered, answers[:, 0], ""),
        "score": tf.where(answered, scores[:, 0], tf.exp(spans["no_answer"])),
        "start": tf.where(answered, starts[:, 0], 0),
        "end": tf.where(answered, ends[:, 0], 0),
        "no_answer_score": tf.sigmoid(log_odds),
        "answers": answers,
        "scores": scores,
        "starts": starts,
        "ends": ends,
        "count": tf.reduce_sum(tf.cast(real, tf.int32), axis=1),
    }
