"""The best spans. The truth: every span of every window, scored one by one in Python."""

import itertools
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.tasks.question_answering.spans import IMPOSSIBLE, row_spans, texts_of, window_spans
from keras_bert.tasks.question_answering.windows import QuestionWindows, question_windows
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.tasks.tiny_questions import VOCABULARY

QUESTIONS = ["who lived", "where is old vienna", "who", "who"]
CONTEXTS = [
    "anna lived in vienna. bela the viennaian lived in linz and anna in rome, 1066 to 1999 (old).",
    "graz",
    "",
    "vienna vienna in old rome",
]


def windows() -> QuestionWindows:
    preprocessor = BertPreprocessor(BertTokenizer(VOCABULARY), max_length=20)
    return question_windows(tf.constant(QUESTIONS), tf.constant(CONTEXTS), preprocessor, 8, 5)


def random_logits(asked: QuestionWindows, seed: int = 0) -> np.ndarray:
    """Masked as the model masks them."""
    rng = np.random.default_rng(seed)
    width = int(asked.inputs["token_ids"].bounding_shape()[1])
    logits = rng.normal(size=(asked.windows.row.shape[0], 2, width)).astype("float32") * 2
    for window, (offset, length) in enumerate(zip(asked.offset.numpy(), asked.windows.length.numpy(), strict=True)):
        logits[window, :, 1:offset] = IMPOSSIBLE
        logits[window, :, offset + length :] = IMPOSSIBLE
    return logits


def every_span(asked: QuestionWindows, logits: np.ndarray, window: int, longest: int) -> list[tuple[float, int, int]]:
    """Log-probability, first and last byte of all spans of a window that are whole words."""
    shifted = logits[window].astype("float64")
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    offset, length, first = (int(values[window]) for values in (asked.offset, asked.windows.length, asked.first))
    known = {name: values.numpy() for name, values in asked.tokens.items()}
    words: list[list[int]] = []
    for place in range(length):
        if place == 0 or known["begins"][first + place]:
            words.append([])
        words[-1].append(place)
    spans = []
    for one, other in itertools.combinations_with_replacement(words, 2):
        if other[-1] - one[0] < longest and known["best"][first + one[0]] == window:
            start = max(log_probabilities[0, offset + place] for place in one)
            end = max(log_probabilities[1, offset + place] for place in other)
            spans.append(
                (start + end, int(known["word_start"][first + one[0]]), int(known["word_end"][first + other[-1]]))
            )
    return sorted(spans, reverse=True)


def test_spans_of_windows_and_of_rows_are_the_best_of_all():
    asked = windows()
    for seed, longest, count in ((0, 4, 6), (1, 1, 3), (2, 30, 10)):
        logits = random_logits(asked, seed)
        found: dict[str, Any] = window_spans(tf.constant(logits), asked, 0, longest, count)
        by_row: dict[int, list[Any]] = {}
        for window, row in enumerate(asked.windows.row.numpy()):
            expected = every_span(asked, logits, window, longest)
            by_row.setdefault(row, []).extend(expected)
            check({name: values[window] for name, values in found.items()}, expected[:count])
        merged = row_spans(found, asked.windows.row, len(QUESTIONS))
        for row, expected in by_row.items():
            assert len({span[1:] for span in expected}) == len(expected), "a span is found once"
            check({name: values[row] for name, values in merged.items()}, sorted(expected, reverse=True)[:count])
        per_window = [found["no_answer"].numpy()[asked.windows.row.numpy() == row].min() for row in range(4)]
        np.testing.assert_allclose(merged["no_answer"], per_window)


def check(found: dict[str, Any], expected: list[tuple[float, int, int]]) -> None:
    scores = found["score"].numpy()
    np.testing.assert_allclose(scores[: len(expected)], [span[0] for span in expected], atol=1e-4)
    assert found["start"].numpy()[: len(expected)].tolist() == [span[1] for span in expected]
    assert found["end"].numpy()[: len(expected)].tolist() == [span[2] for span in expected]
    assert (scores[len(expected) :] <= IMPOSSIBLE / 2).all()


def test_some_windows_have_the_spans_that_all_have():
    asked = windows()
    logits = tf.constant(random_logits(asked))
    whole = window_spans(logits, asked, 0, 4, 5)
    part = window_spans(logits[2:4], asked, tf.constant(2), 4, 5)
    for name, values in part.items():
        np.testing.assert_allclose(values, whole[name][2:4], rtol=1e-6)


def test_white_space_at_the_ends_is_left_out():
    texts, starts, ends = texts_of(
        tf.constant(["ab  cd ", "x"]), tf.constant([[2, 0], [0, 0]]), tf.constant([[7, 2], [1, 0]])
    )
    assert texts.numpy().tolist() == [[b"cd", b"ab"], [b"x", b""]]
    assert starts.numpy().tolist() == [[4, 0], [0, 0]]
    assert ends.numpy().tolist() == [[6, 2], [1, 0]]
