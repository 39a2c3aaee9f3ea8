"""What a question answerer read of a question and a text, and which span is explained."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks.question_answering.windows import QuestionWindows
from keras_bert.trust.explain.field_tokens import FieldTokens, field_tokens
from keras_bert.trust.explain.readers.packed import MAX_LENGTH, packed_owner
from keras_bert.trust.explain.readers.tagged import WINDOW
from keras_bert.trust.explain.reading import Cut, Reading, Readout, parts_not_read, used_words
from keras_bert.trust.explain.scorer import Scorer

_WINDOWS_AT_ONCE = 32


def read_answered(model: Any, texts: Mapping[str, bytes], span: Mapping[str, Any], scorer: Scorer) -> Reading:
    """Reads a question and a text as an answerer does, in the window that the span is answered in.

    The sum of two logits is explained: that of the span's first token and that of its last one, where a word counts by
    the likeliest of its tokens; of no answer both are those of `[CLS]`.

    Args:
        model: The task.
        texts: UTF-8 of `question` and `context`.
        span: `start` and `end` in bytes of the context, both 0 for no answer.
        scorer: Computes the logits.

    Raises:
        InputError: No word stands at that place, or no window holds all of it.
    """
    fields = {name: field_tokens(model.tokenizer, text) for name, text in texts.items()}
    asked = model.windows(*(tf.constant([text]) for text in texts.values()))
    context = fields["context"]
    start, length = asked.windows.start.numpy(), asked.windows.length.numpy()
    of_span = _tokens_of_span(context, span)
    if of_span is None:
        window = _surest_window(model, asked, scorer)
    else:
        window = int(asked.tokens["best"].numpy()[of_span[0][0]])
        if of_span[1][-1] >= start[window] + length[window]:
            raise InputError(f"target: no window holds all of bytes {span['start']} to {span['end']} of the context")
    inputs = _padded(model, asked, [window])
    begin, size, offset = int(start[window]), int(length[window]), int(asked.offset.numpy()[window])
    ids, starts, ends, word = (column[begin : begin + size] for column in context[:-1])
    part = FieldTokens(ids, starts, ends, word, context.places)
    question = fields["question"]
    kept = offset - 2
    owner, words, _ = packed_owner({"question": question, "context": part}, [kept, size], inputs["token_ids"].shape[1])
    owner, words = used_words(owner[None], words)
    if of_span is None:
        places = [0, 0]
    else:
        logits = scorer.outputs(inputs)[0]
        places = []
        for line, numbers in zip(logits, of_span, strict=True):
            at = numbers[(numbers >= begin) & (numbers < begin + size)] - begin + offset
            places.append(int(at[np.argmax(line[at])]))
    looks_from = np.zeros(owner.shape)
    np.add.at(looks_from[0], places, 0.5)
    every = np.arange(len(context.ids))
    is_read = (every >= begin) & (every < begin + size)
    cut: list[Cut] = parts_not_read(
        "question", question.starts, question.ends, np.arange(len(question.ids)) < kept, MAX_LENGTH
    )
    return Reading(
        inputs=inputs,
        owner=owner,
        words=words,
        cut=[*cut, *parts_not_read("context", context.starts, context.ends, is_read, WINDOW)],
        label=texts["context"][span["start"] : span["end"]].decode("utf-8", "replace"),
        readout=Readout.of([[0, 0, places[0]], [0, 1, places[1]]], [1.0, 1.0]),
        looks_from=looks_from,
        side=np.zeros(1, int),
    )


def _tokens_of_span(context: FieldTokens, span: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray] | None:
    """Returns the tokens of the first word of a span and those of its last one; None for no answer."""
    if span["start"] == span["end"] == 0:
        return None
    words = np.flatnonzero((context.places[:, 0] < span["end"]) & (context.places[:, 1] > span["start"]))
    if not len(words):
        raise InputError(f"target: no word stands from byte {span['start']} to {span['end']} of the context")
    return np.flatnonzero(context.word == words[0]), np.flatnonzero(context.word == words[-1])


def _padded(model: Any, asked: QuestionWindows, windows: list[int]) -> dict[str, np.ndarray]:
    chosen = {name: tf.gather(rows, windows) for name, rows in asked.inputs.items()}
    return {name: tensor.numpy() for name, tensor in model.preprocessor.pad(chosen).items()}


def _surest_window(model: Any, asked: QuestionWindows, scorer: Scorer) -> int:
    """Finds the window that no answer is read from: the one that is surest to hold an answer."""
    count = len(asked.windows.row)
    found: list[float] = []
    for begin in range(0, count, _WINDOWS_AT_ONCE):
        windows = list(range(begin, min(begin + _WINDOWS_AT_ONCE, count)))
        logits = scorer.outputs(_padded(model, asked, windows))
        found += tf.reduce_sum(tf.nn.log_softmax(logits)[:, :, 0], axis=1).numpy().tolist()
    return int(np.argmin(found))


def chosen_span(answer: Mapping[str, Any], target: Any) -> Mapping[str, Any]:
    """Chooses the span that is explained.

    Args:
        answer: The model's, with `start` and `end`.
        target: None for the model's own answer, `""` for no answer, or a dict of `start` and `end`.

    Raises:
        InputError: The target is none of these.
    """
    if target is None:
        return answer
    if target == "":
        return {"answer": "", "start": 0, "end": 0}
    if not isinstance(target, Mapping) or not {"start", "end"} <= set(target):
        raise InputError(
            f"target={target!r:.60}: of an answerer a span is explained, a dict of start and end, or '' for no answer"
        )
    return target
