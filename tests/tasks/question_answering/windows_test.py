"""Windows of questions and contexts. The truth: the same by Python lists."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.data.squad_file import NO_ANSWER, NOT_FOUND
from keras_bert.tasks.question_answering.windows import answer_positions, question_windows
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.tasks.tiny_questions import VOCABULARY

TOKENIZER = BertTokenizer(VOCABULARY)
LONG = "anna lived in graz. bela lived in linz. carl was born in rome, dora in old oslo. " * 3
QUESTIONS = ["who lived in oslo", "who", "when was carl born in the city of rome and where was dora born", ""]
CONTEXTS = ["vienna is old", LONG, LONG, ""]


def windows(questions=QUESTIONS, contexts=CONTEXTS, max_length=24, max_question_length=10, doc_stride=6):
    preprocessor = BertPreprocessor(TOKENIZER, max_length=max_length)
    return question_windows(
        tf.constant(questions), tf.constant(contexts), preprocessor, max_question_length, doc_stride
    )


def spans_of(length, size, stride):
    """Starts and lengths of the windows of a text, as in windows_test.py."""
    spans = [(0, min(length, size))]
    while sum(spans[-1]) < length:
        start = spans[-1][0] + stride
        spans.append((start, min(length - start, size)))
    return spans


def test_every_window_is_question_and_part_of_the_context():
    asked = windows()
    rows = []
    for number, (question, context) in enumerate(zip(QUESTIONS, CONTEXTS, strict=True)):
        words = TOKENIZER(question).numpy().tolist()[:10]
        ids = TOKENIZER(context).numpy().tolist()
        size = 24 - 3 - len(words)
        for start, length in spans_of(len(ids), size, min(6, size // 2)):
            rows.append((number, [2, *words, 3], [*ids[start : start + length], 3], start, length))
    assert asked.inputs["token_ids"].to_list() == [first + second for _, first, second, _, _ in rows]
    assert asked.inputs["segment_ids"].to_list() == [
        [0] * len(first) + [1] * len(second) for _, first, second, *_ in rows
    ]
    assert asked.windows.row.numpy().tolist() == [row[0] for row in rows]
    assert asked.windows.start.numpy().tolist() == [row[3] for row in rows]
    assert asked.windows.length.numpy().tolist() == [row[4] for row in rows]
    assert asked.offset.numpy().tolist() == [len(row[1]) for row in rows]
    assert max(map(len, asked.inputs["token_ids"].to_list())) == 24
    assert asked.cut.numpy().tolist() == [0, 0, len(TOKENIZER(QUESTIONS[2])) - 10, 0]


def test_after_earlier_turns_the_newest_tokens_of_a_question_are_kept():
    question = "who was carl\nthe old king of rome\nwhere was he born in the city"
    asked = windows([question, f"\n{QUESTIONS[2]}\n", question[:20]], ["anna"] * 3)
    ids = TOKENIZER(question).numpy().tolist()
    kept = [row[1:-1] for row in asked.inputs["token_ids"].to_list()]
    context = [3, *TOKENIZER("anna").numpy().tolist()]
    assert kept[0] == ids[-10:] + context
    assert kept[1] == TOKENIZER(QUESTIONS[2]).numpy().tolist()[:10] + context  # a line end at an edge is no turn
    assert kept[2] == TOKENIZER(question[:20]).numpy().tolist() + context
    assert asked.cut.numpy().tolist() == [len(ids) - 10, len(TOKENIZER(QUESTIONS[2])) - 10, 0]


def test_a_question_takes_half_of_the_input_at_most():
    asked = windows(["who was born in the city of rome"], ["anna"], max_length=13, max_question_length=64)
    assert asked.inputs["token_ids"].to_list() == [
        [2, *TOKENIZER("who was born in the").numpy(), 3, *TOKENIZER("anna").numpy(), 3]
    ]
    assert asked.cut.numpy().tolist() == [3]


def test_windows_overlap_by_half_at_least():
    asked = windows(["who"], [LONG], max_length=16, doc_stride=128)
    assert set(np.diff(asked.windows.start)) == {(16 - 3 - 1) // 2}


def test_words_are_known_by_their_bytes():
    context = "old vienna! é😀 oslo"
    asked = windows(["who"], [context])
    spans = zip(*(asked.tokens[name].numpy()[:-1].tolist() for name in ("word_start", "word_end")), strict=True)
    words = [context.encode()[start:end].decode() for start, end in spans]
    # "é" is a letter with a dropped accent, the emoji an unknown word.
    assert words == ["old", "vienna", "vienna", "!", "é😀", "oslo"]
    assert asked.tokens["begins"].numpy()[:-1].tolist() == [True, True, False, True, True, True]


def place(context, answer):
    start = len(context[: context.index(answer)].encode())
    return start, start + len(answer.encode())


def test_positions_are_those_of_the_answers_tokens():
    once = LONG[: len(LONG) // 3]
    asked = windows(["who", "who"], [once, "vienna is old"])
    positions, usable = answer_positions(
        asked, *map(tf.constant, zip(place(once, "carl was born"), (7, 9), strict=True))
    )
    assert usable.numpy().tolist() == [True, True]
    expected = TOKENIZER("carl was born").numpy().tolist()
    holding = 0
    for ids, row, (first, last) in zip(
        asked.inputs["token_ids"].to_list(), asked.windows.row.numpy(), positions.numpy(), strict=True
    ):
        if row == 1:
            assert ids[first : last + 1] == TOKENIZER("is").numpy().tolist()
        elif first:
            assert ids[first : last + 1] == expected
            holding += 1
        else:
            assert last == 0
            inner = ids[3:-1]
            assert not any(inner[i : i + 3] == expected for i in range(0, 9)), "it was missed"
    assert holding >= 2, "windows overlap, so more than one holds the answer"


@pytest.mark.parametrize(
    ("span", "tokens"),
    [
        ((4, 6), ["vien"]),  # cuts a piece: all of it
        ((4, 10), ["vien", "##na"]),
        ((8, 10), ["##na"]),
        ((2, 5), ["old", "vien"]),
    ],
)
def test_an_answer_that_cuts_a_token_covers_it(span, tokens):
    asked = windows(["who"], ["old vienna is"])
    positions, _ = answer_positions(asked, *(tf.constant([end]) for end in span))
    first, last = positions.numpy()[0]
    ids = asked.inputs["token_ids"].to_list()[0][first : last + 1]
    assert [VOCABULARY[token] for token in ids] == tokens


@pytest.mark.parametrize(
    ("span", "learned"),
    [((NO_ANSWER, NO_ANSWER), True), ((NOT_FOUND, NOT_FOUND), False), ((3, 4), False), ((40, 44), False)],
)
def test_without_a_span_there_is_no_answer_or_nothing_to_learn(span, learned):
    """The third is the blank between two words, the last is behind the end."""
    asked = windows(["who"], ["old vienna is"])
    positions, usable = answer_positions(asked, *(tf.constant([end]) for end in span))
    assert usable.numpy().tolist() == [learned]
    assert positions.numpy().tolist() == [[0, 0]]
