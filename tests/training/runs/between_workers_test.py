"""What workers tell each other, with sums made up; two_workers tests are in tests/scripts/cluster_test.py."""

import json

import keras
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.training.runs.between_workers import (
    BetweenWorkers,
    digest_of,
    lost_workers_named,
    refuse_unequal_workers,
)


class Strategy:
    class extended:  # noqa: N801
        worker_devices = ("CPU:0", "CPU:1")


def test_one_worker_has_none():
    assert BetweenWorkers.of(tf.distribute.get_strategy()) is None


def test_a_worker_behind_the_chief_hears_the_chiefs_number(monkeypatch):
    cluster = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    assert BetweenWorkers(Strategy(), lambda number: number + 0.25).of_chief(0.75) == 0.25
    monkeypatch.delenv("TF_CONFIG")
    assert BetweenWorkers(Strategy(), lambda number: 2 * number).of_chief(0.75) == 0.75


def test_names_under_which_workers_differ(monkeypatch):
    """The second worker of two, each with two devices; the sums are over all four."""
    cluster = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    chiefs = tf.constant([5.0, 7.0])
    sums = [lambda number: 2 * number + chiefs, lambda number: 2 * number]
    workers = BetweenWorkers(Strategy(), lambda number: sums.pop(0)(number))
    assert workers.differing({"batch_size": 5, "rows": 8}) == ["rows"]


def test_workers_that_differ_are_told_in_what(monkeypatch):
    class Others:
        def differing(self, digests):
            assert all(0 <= digest < 2**22 for digest in digests.values())
            return [name for name in digests if name != "seed"]

    monkeypatch.setattr(BetweenWorkers, "of", lambda strategy: Others())
    message = "the workers differ in --batch_size, the rows of --train; start all of them with the same flags"
    with pytest.raises(InputError, match=message):
        refuse_unequal_workers(Strategy(), {"--batch_size": 8, "seed": 0, "the rows of --train": "8 rows, aa"})


def test_one_worker_has_nothing_to_compare():
    refuse_unequal_workers(tf.distribute.get_strategy(), {"--batch_size": 8})


def test_other_weights_have_another_digest():
    one, other = keras.Variable([1.0, 2.0]), keras.Variable([1.0, 2.5])
    assert digest_of([one]) == digest_of([keras.Variable([1.0, 2.0])])
    assert len({digest_of([one]), digest_of([other]), digest_of([one, other])}) == 3


def test_an_error_of_tensorflow_is_only_put_into_words_where_there_are_workers():
    error = tf.errors.UnavailableError(None, None, "gone")
    with pytest.raises(tf.errors.UnavailableError), lost_workers_named(tf.distribute.get_strategy()):
        raise error


def test_what_workers_give_comes_to_all_in_their_order(monkeypatch):
    """The second worker of three, each with two devices; one of them has nothing to give."""
    monkeypatch.setattr("keras_bert.training.runs.between_workers.part_of_workers", lambda strategy: (1, 3))
    others = [tf.constant([2, 0, 0]), tf.constant([200, 255, 0, 0, 0])]
    workers = BetweenWorkers(Strategy(), lambda number: 2 * (number + others.pop(0)))
    assert workers.gather(b"\x00b\xff") == [b"\xc8\xff", b"\x00b\xff", b""]
