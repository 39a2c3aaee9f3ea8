"""How many replicas step together, and sums over them."""

import pytest
import tensorflow as tf

from keras_bert.tasks.base.replicas import over_replicas, replicas


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
