"""The replicas that step together."""

from typing import Any

import tensorflow as tf


def replicas() -> int:
    """Number of replicas that step together here; 1 outside of a replica's own code, as when Keras builds a model.

    Example:
        >>> replicas()
        1
    """
    context = tf.distribute.get_replica_context()
    return context.num_replicas_in_sync if context else 1


def over_replicas(value: Any) -> Any:
    """Sums a number over the replicas that step together.

    Example:
        >>> float(over_replicas(tf.constant(3.0)))
        3.0
    """
    if replicas() == 1:
        return value
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, value)


def first_row(rows: Any) -> Any:
    """Gives the place of this replica's first row in the whole batch, whose rows are dealt out in their order.

    Args:
        rows: How many this replica has, int32 scalar.

    Example:
        >>> int(first_row(tf.constant(3)))
        0
    """
    if replicas() == 1:
        return tf.zeros([], tf.int32)
    own = tf.distribute.get_replica_context().replica_id_in_sync_group
    counts = over_replicas(tf.one_hot(own, replicas(), rows, 0))
    return tf.reduce_sum(tf.where(tf.range(replicas()) < own, counts, 0))
