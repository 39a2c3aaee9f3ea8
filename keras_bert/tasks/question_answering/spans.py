"""From the logits of windows to the best spans of a text."""

from typing import Any

import tensorflow as tf

from keras_bert.tasks.question_answering.windows import QuestionWindows

IMPOSSIBLE = -1e9
"""Logit of a token that no answer begins or ends with, and log-probability of a span that is none."""


def window_spans(
    logits: Any, asked: QuestionWindows, begin: Any, max_answer_length: int, count: int
) -> dict[str, tf.Tensor]:
    """Finds the best spans of some windows.

    The probability of a span is that of its first token times that of its last one, each a softmax over the window's
    context and `[CLS]`. Spans begin and end with whole words; a word is as likely as the likeliest of its tokens. A
    span counts in the window where its first token has most context, so that none is found twice.

    Args:
        logits: float32 (windows, 2, tokens), of first and last tokens.
        asked: The windows of the rows.
        begin: int32 scalar, the first of these windows among them.
        max_answer_length: Tokens of a span.
        count: Spans to find.

    Returns:
        `score` float32 (windows, count), log-probabilities, the likeliest first, `IMPOSSIBLE` beyond the spans that
        there are; `start` and `end` int32 (windows, count), bytes of the context; `no_answer` float32 (windows,), the
        log-probability of `[CLS]`.

    References:
        github.com/google-research/bert, run_squad.py, `write_predictions`
    """
    log_probabilities = tf.nn.log_softmax(logits)
    windows, width = tf.shape(logits)[0], tf.shape(logits)[2]
    number = begin + tf.range(windows)
    place = tf.range(width) - tf.gather(asked.offset, number)[:, None]
    inside = (place >= 0) & (place < tf.gather(asked.windows.length, number)[:, None])
    token = tf.where(inside, tf.gather(asked.first, number)[:, None] + place, 0)
    known = {name: tf.gather(values, token) for name, values in asked.tokens.items()}

    is_first = ~inside | (place == 0) | known["begins"]
    is_last = inside & tf.concat([is_first[:, 1:], tf.ones([windows, 1], tf.bool)], 1)
    group = tf.cumsum(tf.cast(tf.reshape(is_first, [-1]), tf.int32)) - 1
    counted = inside & known["in_word"]  # a blank is no part of an answer's ends

    def of_words(values: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
        values = tf.where(counted, values, IMPOSSIBLE)
        likeliest = tf.gather(tf.math.segment_max(tf.reshape(values, [-1]), group), group)
        return tf.where(chosen, tf.reshape(likeliest, [windows, width]), IMPOSSIBLE)

    own = counted & is_first & (known["best"] == number[:, None])
    starts = of_words(log_probabilities[:, 0], own)
    ends = of_words(log_probabilities[:, 1], is_last)
    ends = tf.pad(ends, [[0, 0], [0, max_answer_length - 1]], constant_values=IMPOSSIBLE)
    totals = starts[:, :, None] + tf.signal.frame(ends, max_answer_length, 1)
    totals = tf.reshape(totals, [windows, width * max_answer_length])
    totals = tf.pad(totals, [[0, 0], [0, count]], constant_values=IMPOSSIBLE)
    scores, best = tf.math.top_k(tf.maximum(totals, IMPOSSIBLE), count)
    first = tf.minimum(best // max_answer_length, width - 1)
    last = tf.minimum(first + best % max_answer_length, width - 1)
    return {
        "score": scores,
        "start": tf.gather(known["word_start"], first, batch_dims=1),
        "end": tf.gather(known["word_end"], last, batch_dims=1),
        "no_answer": log_probabilities[:, 0, 0] + log_probabilities[:, 1, 0],
    }


def row_spans(spans: dict[str, Any], row: Any, rows: Any) -> dict[str, tf.Tensor]:
    """Chooses the best spans of each row from those of its windows.

    Args:
        spans: As `window_spans` gives them, of all windows.
        row: int32 (windows,), the row that each window is of, rising.
        rows: int scalar.

    Returns:
        `score` float32, `start` and `end` int32 (rows, count), the likeliest first; `no_answer` float32 (rows,), the
        log-probability of `[CLS]` in the window that is surest to hold an answer.
    """
    count = spans["score"].shape[1]
    # Sorted by row, in each the likeliest first, of equals the first: a matrix would be rows × most windows of a row.
    order = tf.argsort(tf.reshape(spans["score"], [-1]), direction="DESCENDING", stable=True)
    row_of = tf.gather(tf.reshape(tf.tile(row[:, None], [1, count]), [-1]), order)
    by_row = tf.argsort(row_of, stable=True)
    order, row_of = tf.gather(order, by_row), tf.gather(row_of, by_row)
    place = tf.range(tf.size(order)) - tf.gather(tf.searchsorted(row_of, tf.range(rows)), row_of)
    kept = place < count
    order = tf.boolean_mask(order, kept)
    where = tf.boolean_mask(tf.stack([row_of, place], 1), kept)

    def best(name: str, default: Any) -> tf.Tensor:
        values = tf.gather(tf.reshape(spans[name], [-1]), order)
        found = tf.fill([rows, count], tf.constant(default, values.dtype))
        return tf.ensure_shape(tf.tensor_scatter_nd_update(found, where, values), [None, count])

    return {
        "score": best("score", IMPOSSIBLE),
        "start": best("start", 0),
        "end": best("end", 0),
        "no_answer": tf.math.unsorted_segment_min(spans["no_answer"], row, rows),
    }


def texts_of(context: Any, start: Any, end: Any) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Cuts spans out of texts, without the white space at their ends, which tokens of byte-level BPE bring along.

    Args:
        context: string (rows,).
        start: int32 (rows, count), bytes.
        end: int32 (rows, count).

    Returns:
        string (rows, count), and the starts and ends that belong to them.
    """
    text = tf.strings.substr(context[:, None], start, end - start)
    trimmed = tf.strings.regex_replace(text, r"^\s+", "")
    start = start + tf.strings.length(text) - tf.strings.length(trimmed)
    trimmed = tf.strings.regex_replace(trimmed, r"\s+$", "")
    return trimmed, start, start + tf.strings.length(trimmed)
