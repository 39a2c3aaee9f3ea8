"""How many replicas step together, and sums over them."""

import pytest
import tensorflow as tf

from keras_bert.tasks.base.replicas import first_row, over_replicas, replicas


def test_one_device_is_one_replica():
    assert replicas() == 1
    assert over_replicas(3.0) == 3.0


def test_outside_of_a_replica_there_is_one():
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        assert replicas() == 1


def test_inside_all_are_asked(monkeypatch: pytest.MonkeyPatch):
    class Context:
        num_replicas_in_sync = 3

        def all_reduce(self, operation, value):
            assert operation == tf.distribute.ReduceOp.SUM
            return 3 * value

    monkeypatch.setattr("tensorflow.distribute.get_replica_context", Context)
    assert (replicas(), over_replicas(2.0)) == (3, 6.0)


def test_a_replicas_rows_come_after_those_of_the_replicas_before(monkeypatch: pytest.MonkeyPatch):
    """Three replicas with 4, 0 and 3 rows."""
    rows = [4, 0, 3]
    assert int(first_row(tf.constant(4))) == 0
    for number, expected in enumerate([0, 4, 4]):

        class Context:
            num_replicas_in_sync = 3
            replica_id_in_sync_group = number

            def all_reduce(self, _, value, number=number):
                assert value.numpy().tolist() == [rows[number] * (index == number) for index in range(3)]
                return tf.constant(rows)

        monkeypatch.setattr("tensorflow.distribute.get_replica_context", Context)
        assert int(first_row(tf.constant(rows[number]))) == expected
