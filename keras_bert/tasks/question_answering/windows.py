"""Questions and the texts they are about, as the windows that a model reads."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from keras_bert.data.history import TURN
from keras_bert.data.squad_file import NO_ANSWER
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.ragged_rows import row_ids
from keras_bert.text.windows import Windows, best_window, sliding_windows
from keras_bert.text.word_begins import word_places


class QuestionWindows(NamedTuple):
    """Rows of a question and a context, as windows `[CLS] question [SEP] part of the context [SEP]`.

    Attributes:
        inputs: `token_ids` and `segment_ids`, int32 RaggedTensors (windows, (tokens)).
        windows: Row, first token of the context and number of its tokens, of each window.
        offset: int32 (windows,), where in a window the context begins.
        tokens: What is known of the tokens of all contexts, and of one more, so that an empty context has one to
            look at: `begins` bool (tokens,), whether it begins a word; `in_word` bool (tokens,), whether it is of one;
            `word_start`, `word_end` int32 (tokens,), the bytes of the context that its word covers; `best` int32
            (tokens,), the window with most context.
        first: int32 (windows,), the window's first token among these.
        spans: int32 RaggedTensors (rows, (tokens)), starts and ends of the tokens, bytes of the context.
        cut: int32 (rows,), tokens of the question that are left out.
    """

    inputs: Mapping[str, Any]
    windows: Windows
    offset: Any
    tokens: Mapping[str, Any]
    first: Any
    spans: tuple[Any, Any]
    cut: Any


def question_windows(
    question: Any, context: Any, preprocessor: BertPreprocessor, max_question_length: int, doc_stride: int
) -> QuestionWindows:
    """Makes the windows of a batch of questions, in the graph.

    Args:
        question: string (rows,).
        context: string (rows,), of any length.
        preprocessor: Has the tokenizer and the longest input.
        max_question_length: Tokens of a question; more is cut off its end, or off its beginning where earlier turns
            stand there, see `with_history`. Never more than half of the input.
        doc_stride: Tokens from the begin of one window of a context to that of the next; never more than half a
            window, so that an answer at the end of one stands within the next.

    References:
        github.com/google-research/bert, run_squad.py, `convert_examples_to_features`
    """
    tokenizer = preprocessor.tokenizer
    asked = tokenizer.tokenize(question)
    room = preprocessor.max_length - 3
    kept = tf.minimum(asked.row_lengths(), min(max_question_length, room // 2))
    ids, starts, ends = tokenizer.tokenize_with_offsets(context)

    size = room - kept
    lengths = ids.row_lengths()
    windows = sliding_windows(lengths, size, tf.minimum(tf.maximum(size // 2, 1), doc_stride))
    first = tf.gather(ids.row_starts(), windows.row) + tf.cast(windows.start, tf.int64)
    cut = asked.row_lengths() - kept
    begin = asked.row_starts() + tf.where(_has_history(question), cut, 0)
    asked_of = tf.gather(begin, windows.row)
    kept_of = tf.gather(kept, windows.row)
    inputs = preprocessor.join(
        [asked.values, ids.values], [asked_of, first], [kept_of, tf.cast(windows.length, tf.int64)]
    )

    places = word_places(tokenizer, context, ids, starts.values, ends.values)
    word = tf.cumsum(tf.cast(places.begins, tf.int32))  # 0 for what is before the first
    word_start = tf.concat([[0], tf.boolean_mask(places.starts, places.begins)], 0)
    within = tf.where(places.in_word, places.ends, 0)
    word_end = tf.math.unsorted_segment_max(within, word, tf.size(word_start))
    tokens = {
        "begins": places.begins,
        "in_word": places.in_word,
        "word_start": tf.cast(tf.gather(word_start, word), tf.int32),
        "word_end": tf.cast(tf.gather(word_end, word), tf.int32),
        "best": best_window(windows, lengths).values,
    }
    return QuestionWindows(
        inputs=inputs,
        windows=windows,
        offset=tf.cast(kept_of, tf.int32) + 2,
        tokens={name: tf.pad(values, [[0, 1]]) for name, values in tokens.items()},
        first=tf.cast(first, tf.int32),
        spans=(tf.cast(starts, tf.int32), tf.cast(ends, tf.int32)),
        cut=tf.cast(cut, tf.int32),
    )


def _has_history(question: Any) -> Any:
    """Tells, bool (rows,), whether earlier turns stand before questions: a line end, but for the edges."""
    stripped = tf.strings.strip(question)
    return tf.strings.length(tf.strings.regex_replace(stripped, TURN, "")) < tf.strings.length(stripped)


def answer_positions(asked: QuestionWindows, start: Any, end: Any) -> tuple[tf.Tensor, tf.Tensor]:
    """Finds the first and the last token of answers in each window.

    Args:
        asked: The windows.
        start: int32 (rows,), first byte of the answer in the context; `NO_ANSWER` if there is none, `NOT_FOUND` if it
            is not known where it stands.
        end: int32 (rows,), the byte behind it.

    Returns:
        int32 (windows, 2), positions of the first and the last token that the answer has a part in, 0 and 0 (`[CLS]`)
        in windows that do not hold all of it; bool (rows,), False where nothing can be learned: the answer stands
        nowhere, or no token is of it.
    """
    starts, ends = asked.spans
    rows = row_ids(starts.row_splits)
    count = starts.nrows(tf.int32)
    covered = (starts.values < tf.gather(end, rows)) & (ends.values > tf.gather(start, rows))
    number = tf.ragged.range(starts.row_lengths(), dtype=tf.int64).values
    number = tf.cast(number, tf.int32)
    first = tf.math.unsorted_segment_min(tf.where(covered, number, tf.int32.max), rows, count)
    last = tf.math.unsorted_segment_max(tf.where(covered, number, -1), rows, count)
    usable = tf.where(start >= 0, last >= 0, start == NO_ANSWER)

    row, begin, length = asked.windows
    first, last = tf.gather(first, row), tf.gather(last, row)
    inside = (last >= 0) & (first >= begin) & (last < begin + length)
    both = tf.stack([first, last], 1) + (asked.offset - begin)[:, None]
    return tf.where(inside[:, None], both, 0), usable
