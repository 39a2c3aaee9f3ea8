"""Examples come back from flat columns as they were, in any order, of any nesting."""

import numpy as np
import tensorflow as tf

from keras_bert.data.shards.columns import arrays_of, columns_from, columns_of, examples_from, joined, spec_of
from keras_bert.data.shards.gather import ranges

EXAMPLES = (
    {
        "token_ids": tf.ragged.constant([[5, 6, 7], [], [8]], dtype=tf.int32),
        "choices": tf.ragged.constant([[[1, 2], [3]], [[4]], [[], [5, 6]]], dtype=tf.int32),
    },
    tf.constant([[0.0, 1.0], [0.5, 0.25], [1.0, -1.0]]),
    tf.constant([70_000, 2, 3]),
)


def rebuilt(columns, spec):
    tensors = {}
    for path, column in columns.items():
        values = tf.cast(column.values, spec[path]["dtype"])
        levels = [tf.cast(lengths, tf.int64) for lengths in column.lengths]
        tensors[path] = tf.RaggedTensor.from_nested_row_lengths(values, levels) if levels else values
    return examples_from(tensors)


def listed(examples):
    return tf.nest.map_structure(
        lambda each: each.to_list() if hasattr(each, "to_list") else each.numpy().tolist(), examples
    )


def test_there_and_back_in_any_order():
    spec = spec_of(EXAMPLES)
    columns = columns_from(arrays_of(columns_of(EXAMPLES)))
    order = np.array([2, 0, 1, 2])
    taken = rebuilt({path: column.take(order) for path, column in columns.items()}, spec)
    expected = tf.nest.map_structure(lambda each: tf.gather(each, order), EXAMPLES)
    assert listed(taken) == listed(expected)
    assert taken[1].dtype == tf.float32
    assert taken[2].dtype == tf.int32


def test_groups_come_one_after_the_other():
    columns = columns_of(EXAMPLES)
    both = rebuilt(joined([columns, columns]), spec_of(EXAMPLES))
    assert listed(both) == listed(tf.nest.map_structure(lambda each: tf.concat([each, each], 0), EXAMPLES))


def test_numbers_take_the_room_that_they_need():
    arrays = arrays_of(columns_of(EXAMPLES))
    assert arrays["0/token_ids"].dtype == np.uint8
    assert arrays["2"].dtype == np.uint32
    assert arrays["1"].dtype == np.float32
    assert arrays["0/choices#0"].dtype == arrays["0/choices#1"].dtype == np.uint8
    negative = arrays_of(columns_of((tf.constant([-1, 2]),)))
    assert negative["0"].dtype == np.int32


def test_the_description_of_examples_is_plain():
    assert spec_of(EXAMPLES)["0/choices"] == {"dtype": "int32", "shape": [], "ragged": 2}
    assert spec_of(EXAMPLES)["1"] == {"dtype": "float32", "shape": [2], "ragged": 0}


def test_ranges_of_nothing():
    assert ranges(np.array([], np.int64), np.array([], np.int64)).tolist() == []
    assert ranges(np.array([3, 9, 1]), np.array([0, 2, 0])).tolist() == [9, 10]
