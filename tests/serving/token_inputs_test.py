"""`token_ids` refuses what the model has no rows for, and answers what it has, also at the very limits."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.serving.token_inputs import token_signature
from keras_bert.tasks import BertMultipleChoice
from tests.tasks import tiny, tiny_questions, tiny_sequences, tiny_tags

TASKS = {
    "classifier": tiny.classifier,
    "regressor": tiny.regressor,
    "embedder": tiny.embedder,
    "tagger": tiny_tags.tagger,
    "answerer": tiny_questions.answerer,
    "pretrainer": tiny.pretrainer,
    "choices": lambda: tiny.make(BertMultipleChoice),
    "writer": tiny_sequences.writer,
}


def traced(signature: Any) -> Any:
    return tf.function(signature.function).get_concrete_function(**signature.inputs)


@pytest.fixture(scope="module")
def functions() -> dict[str, Any]:
    return {name: traced(make().signatures()["token_ids"]) for name, make in TASKS.items()}


@pytest.fixture(scope="module")
def limits() -> Any:
    """Gives its three inputs back: 10 words, 2 segments, 4 tokens."""
    return traced(token_signature(lambda **inputs: inputs, 10, 2, 4))


def ask(function: Any, ids: Any, segments: Any, mask: Any) -> dict[str, np.ndarray]:
    names = ("token_ids", "segment_ids", "padding_mask")
    inputs = dict(zip(names, (tf.constant(value, tf.int32) for value in (ids, segments, mask)), strict=True))
    return {name: value.numpy() for name, value in function(**inputs).items()}


RIGHT = [
    ([[9, 0, 0, 0]], [[1, 0, 0, 0]], [[1, 1, 0, 0]]),
    ([[9]], [[1]], [[1]]),
    ([[1, 2], [3, 4]], [[0, 0], [0, 1]], [[1, 0], [1, 1]]),
    (np.zeros([0, 3]), np.zeros([0, 3]), np.zeros([0, 3])),
]
WRONG = {
    "id too high": ([[10]], [[0]], [[1]]),
    "id negative": ([[-1]], [[0]], [[1]]),
    "segment too high": ([[1]], [[2]], [[1]]),
    "segment negative": ([[1]], [[-1]], [[1]]),
    "mask of 2": ([[1, 1]], [[0, 0]], [[1, 2]]),
    "mask of -1": ([[1, 1]], [[0, 0]], [[1, -1]]),
    "no token": ([[1, 1], [1, 1]], [[0, 0], [0, 0]], [[1, 1], [0, 0]]),
    "padding on the left": ([[0, 1]], [[0, 0]], [[0, 1]]),
    "too wide": ([[1] * 5], [[0] * 5], [[1] * 5]),
    "no width": (np.zeros([2, 0]), np.zeros([2, 0]), np.zeros([2, 0])),
}
SHAPES = {
    "mask too short": ([[1, 1]], [[0, 0]], [[1]]),
    "mask of one row for two": ([[1], [1]], [[0], [0]], [[1]]),
    "segments for nobody": ([[1]], np.zeros([0, 1]), [[1]]),
}


@pytest.mark.parametrize("inputs", RIGHT)
def test_what_is_right_passes_unchanged(limits: Any, inputs: Any):
    for found, given in zip(ask(limits, *inputs).values(), inputs, strict=True):
        np.testing.assert_array_equal(found, given)


@pytest.mark.parametrize("inputs", WRONG.values(), ids=WRONG)
def test_numbers_that_mean_nothing_are_refused_with_the_limits(limits: Any, inputs: Any):
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"token_ids must be from 0 to 9, segment_ids from 0 to 1,"
    ):
        ask(limits, *inputs)


@pytest.mark.parametrize("inputs", SHAPES.values(), ids=SHAPES)
def test_unlike_shapes_are_refused(limits: Any, inputs: Any):
    with pytest.raises(tf.errors.InvalidArgumentError, match="Shapes of all inputs must match"):
        ask(limits, *inputs)


def test_another_rank_is_refused_where_nothing_else_looks():
    """As in a server, which hands on whatever it is sent."""
    function = token_signature(lambda **inputs: inputs, 10, 2, 4).function
    run = tf.function(lambda ids, segments, mask: function(token_ids=ids, segment_ids=segments, padding_mask=mask))
    unknown = run.get_concrete_function(*[tf.TensorSpec(None, tf.int32)] * 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"not compatible with expected shape \[3,\?,\?\]"):
        unknown(*[tf.ones([1, 2, 2], tf.int32)] * 3)


def test_the_limits_of_a_packed_mask():
    function = traced(token_signature(lambda **inputs: inputs, 10, 2, 4, max_examples=4))
    assert ask(function, [[1, 1]], [[0, 0]], [[1, 2]])["padding_mask"].tolist() == [[1, 2]]


@pytest.mark.parametrize("name", TASKS)
def test_every_task_refuses_before_it_computes(functions: dict[str, Any], name: str):
    """Ten million tokens would take 10^14 scores of attention: no memory has them."""
    shape = (1, 1) if name == "choices" else (1,)
    ones = np.ones([*shape, 8], np.int32)
    ask(functions[name], ones, 0 * ones, ones)
    for wrong in (
        (ones + len(tiny_questions.VOCABULARY), 0 * ones, ones),
        (ones, 2 * ones, ones),
        (ones, 0 * ones, 3 * ones),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match="token_ids must be from 0 to"):
            ask(functions[name], *wrong)
    wide = np.ones([*shape, 10_000_000], np.int32)
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"each of 1 to {20 if name == 'writer' else 32} tokens"):
        ask(functions[name], wide, 0 * wide, wide)


def test_the_answers_are_those_of_the_strings(functions: dict[str, Any]):
    model = tiny.classifier()
    inputs = model.preprocessor(tiny.TEXTS)
    found = functions["classifier"](**inputs)["scores"].numpy()
    np.testing.assert_allclose(found, model.answer_strings(tf.constant(tiny.TEXTS))["scores"].numpy(), atol=1e-6)
