"""Batches of windows: every window once, rows that teach nothing left out and counted."""

import functools
import logging

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.data.squad_file import NOT_FOUND
from keras_bert.errors import InputError
from keras_bert.tasks.question_answering import batches as module
from keras_bert.tasks.question_answering.batches import learnable, question_batches, window_rows
from keras_bert.tasks.question_answering.windows import answer_positions, question_windows
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.tasks import tiny_questions

PREPROCESSOR = BertPreprocessor(BertTokenizer(tiny_questions.VOCABULARY), max_length=16, pad_to_multiple_of=1)
WINDOWS = functools.partial(question_windows, preprocessor=PREPROCESSOR, max_question_length=5, doc_stride=4)


def batched(rows, batch_size=4, **options):
    return question_batches(window_rows(rows, WINDOWS), PREPROCESSOR.pad, batch_size, **options)


def expected_windows(rows):
    """Token ids and positions of each window, in the order of the rows."""
    found = []
    for row in rows.batch(1):
        asked = WINDOWS(row["question"], row["context"])
        positions, usable = answer_positions(asked, row["answer_start"], row["answer_end"])
        if usable[0]:
            found += zip(asked.inputs["token_ids"].to_list(), positions.numpy().tolist(), strict=True)
    return [(tuple(ids), tuple(place)) for ids, place in found]


def windows_in(batches):
    found = []
    for inputs, targets in batches:
        lengths = inputs["padding_mask"].numpy().sum(axis=1)
        for ids, length, place in zip(inputs["token_ids"].numpy(), lengths, targets.numpy(), strict=True):
            found.append((tuple(ids[:length].tolist()), tuple(place.tolist())))
    return found


@pytest.mark.parametrize("rows_at_once", [2, 1024])
def test_every_window_is_in_one_batch(monkeypatch, rows_at_once):
    monkeypatch.setattr(module, "ROWS_AT_ONCE", rows_at_once)
    rows = tiny_questions.rows()
    expected = expected_windows(rows)
    assert len(expected) > len(tiny_questions.QUESTIONS)
    assert windows_in(batched(rows, keep_order=True)) == expected
    batches = batched(rows, shuffle=True, seed=1)
    assert int(batches.cardinality()) == -(-len(expected) // 4)
    epochs = [windows_in(batches) for _ in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == sorted(expected)
    assert epochs[0] != epochs[1], "another order in each epoch"
    inputs, targets = batches.element_spec
    assert {name: spec.dtype for name, spec in inputs.items()} == dict.fromkeys(
        ("token_ids", "segment_ids", "padding_mask"), tf.int32
    )
    assert (targets.dtype, targets.shape.as_list()) == (tf.int32, [None, 2])


def test_segments_are_those_of_the_question_and_the_context():
    (inputs, _), *_ = batched(tiny_questions.rows(), batch_size=100, keep_order=True)
    asked = WINDOWS(*(tf.constant(column) for column in list(zip(*tiny_questions.QUESTIONS, strict=True))[:2]))
    np.testing.assert_array_equal(inputs["segment_ids"], asked.inputs["segment_ids"].to_tensor())


def lose(row):
    """Forgets where the answer 1066 stands."""
    lost = tf.reduce_any(row["answers"] == "1066")
    return row | {name: tf.where(lost, NOT_FOUND, row[name]) for name in ("answer_start", "answer_end")}


def test_rows_that_teach_nothing_are_left_out_and_counted(caplog):
    rows = tiny_questions.rows().map(lose)
    with caplog.at_level(logging.WARNING, "absl"):
        found = windows_in(batched(rows, keep_order=True))
    assert "1 questions are left out: their answer does not stand in the context" in caplog.text
    assert found == expected_windows(rows)
    assert len(found) < len(expected_windows(tiny_questions.rows()))
    row = next(iter(rows.skip(2).batch(1)))
    inputs, positions = learnable(WINDOWS(row["question"], row["context"]), row["answer_start"], row["answer_end"])
    assert int(inputs["token_ids"].nrows()) == len(positions) == 0


def test_questions_that_are_cut_are_counted(caplog):
    with caplog.at_level(logging.WARNING, "absl"):
        batched(tiny_questions.rows([("who was the old king of rome", "anna", "anna"), ("who", "anna", "anna")]))
    assert "1 questions are longer than max_question_length, and are cut" in caplog.text


def test_rows_without_answers_are_inputs_only():
    rows = tiny_questions.rows().map(lambda row: {name: row[name] for name in ("question", "context")})
    assert len(batched(rows).element_spec) == 1


def test_no_rows_are_refused():
    with pytest.raises(InputError, match="there are no rows to learn from"):
        batched(tiny_questions.rows().take(0))
    with pytest.raises(InputError, match="there are no rows to learn from"):
        batched(tiny_questions.rows(tiny_questions.QUESTIONS[2:3]).map(lose))


def test_lists_of_dicts_are_rows_of_questions():
    model = tiny_questions.answerer()
    table = [
        {
            "question": question,
            "context": context,
            "answers": [{"text": answer, "answer_start": context.index(answer)}] if answer else [],
        }
        for question, context, answer in tiny_questions.QUESTIONS
    ]
    rows = tiny_questions.rows()
    assert model.evaluate_rows(table) == model.evaluate_rows(rows)
    for (inputs, targets), (others, expected) in zip(model.batches(table), model.batches(rows), strict=True):
        np.testing.assert_array_equal(inputs["token_ids"], others["token_ids"])
        np.testing.assert_array_equal(targets, expected)
