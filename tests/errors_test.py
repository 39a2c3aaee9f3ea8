"""An error is one line that fits on a screen, whatever it quotes."""

import pickle
import time

import pytest
import tensorflow as tf

from keras_bert.errors import LONGEST_MESSAGE, InputError, one_line


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("train.tsv: no column 'Größe' — 中文 👍", "train.tsv: no column 'Größe' — 中文 👍"),
        ("a\nb\r\n\tc", r"a\nb\r\n\tc"),
        ("\x1b]0;title\x07 \x9b31m", r"\x1b]0;title\x07 \x9b31m"),
        ("a\u2028b\u2029c\u202ed\ud800e", r"a\u2028b\u2029c\u202ed\ud800e"),
    ],
)
def test_one_line(message, shown):
    assert str(InputError(message)) == shown


@pytest.mark.parametrize("piece", ["x", "\n", "中"])
def test_never_longer_than_a_screen_and_never_slow(piece):
    began = time.perf_counter()
    message = str(InputError("a.json: holds " + piece * 10_000_000 + "; write it again"))
    assert time.perf_counter() - began < 1
    assert len(message) <= LONGEST_MESSAGE
    assert message.startswith("a.json: holds ")
    assert "... (10,000,030 characters) ..." in message
    assert message.endswith("; write it again")


def test_a_message_that_fits_stays_whole():
    assert str(InputError("x" * LONGEST_MESSAGE)) == "x" * LONGEST_MESSAGE
    assert len(one_line("\n" * 80, 80)) == 80


def test_errors_travel_between_processes():
    error = pickle.loads(pickle.dumps(InputError("a\nb")))
    assert (type(error), str(error)) == (InputError, r"a\nb")


def test_what_is_raised_while_a_function_is_traced_stays_what_it_is():
    """AutoGraph would make an error of its own type and many lines of it."""

    def refuse(value):
        if value.shape.rank == 0:
            raise InputError("row 3: no label")
        return value

    with pytest.raises(InputError, match=r"^row 3: no label$"):
        tf.function(lambda value: refuse(value))(tf.constant(1))
    with pytest.raises(InputError, match=r"^row 3: no label$"):
        tf.data.Dataset.range(3).map(refuse)
