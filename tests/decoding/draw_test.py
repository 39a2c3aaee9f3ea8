"""Who is drawn from: counted by hand; a setting a row gives each row what it would get alone."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.decoding.draw import Draw, uniform_numbers

LOGITS = tf.math.log(tf.constant([[[0.5, 0.1, 0.25, 0.15]]]))
EVENLY = tf.linspace(tf.constant(0.0, tf.float64), 0.999, 1000)[None]


def shares(draw: Draw, logits: tf.Tensor = LOGITS) -> list[float]:
    drawn = draw(tf.repeat(logits, 1000, axis=1), EVENLY).numpy()
    return (np.bincount(drawn[0], minlength=4) / 1000).tolist()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0.5, 0.1, 0.25, 0.15]),
        ({"top_k": 2}, [2 / 3, 0, 1 / 3, 0]),
        ({"top_p": 0.6}, [2 / 3, 0, 1 / 3, 0]),  # 0.5 is less than 0.6, so that the second is in
        ({"top_p": 0.5}, [1, 0, 0, 0]),
        ({"top_k": 3, "top_p": 0.99}, [0.5 / 0.9, 0, 0.25 / 0.9, 0.15 / 0.9]),
        ({"temperature": 0.5}, [0.25 / 0.345, 0.01 / 0.345, 0.0625 / 0.345, 0.0225 / 0.345]),
    ],
)
def test_the_shares_of_the_tokens(options, expected):
    assert shares(Draw(**options)) == pytest.approx(expected, abs=2e-3)


def test_settings_of_rows_are_those_of_rows_alone():
    rng = np.random.default_rng(0)
    logits = tf.constant(rng.normal(0, 2, (4, 3, 9)), tf.float32)
    uniform = uniform_numbers(tf.range(4), 3, 1)[:, :, 0]
    settings = [(1.0, 0, 1.0), (0.7, 3, 1.0), (1.5, 0, 0.8), (1.0, 5, 0.4)]
    temperature, top_k, top_p = (tf.constant(column) for column in zip(*settings, strict=True))
    together = Draw(temperature, top_k, top_p)(logits, uniform)
    for row, numbers in enumerate(settings):
        given = logits[row : row + 1], uniform[row : row + 1]
        expected = together[row].numpy().tolist()
        assert Draw(*(tf.constant([number]) for number in numbers))(*given)[0].numpy().tolist() == expected
        if row:  # where a program knows that nothing is left out, tokens are not sorted before a draw
            assert Draw(*numbers)(*given)[0].numpy().tolist() == expected


@pytest.mark.parametrize(
    ("values", "message"),
    [((0.0, 0, 1.0), "temperature must be above 0"), ((1.0, -1, 1.0), "top_k"), ((1.0, 0, 1.5), "top_p")],
)
def test_settings_that_are_none_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Draw(*values)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        Draw(*(tf.constant([value]) for value in values))


def test_numbers_follow_from_the_seed_of_a_row():
    together = uniform_numbers(tf.constant([3, 4]), 2, 5)
    np.testing.assert_array_equal(together[1:], uniform_numbers(tf.constant([4]), 2, 5))
    np.testing.assert_array_equal(together[:1], uniform_numbers(tf.constant([[3, 0]]), 2, 5))
    assert not np.array_equal(together[0], together[1])
