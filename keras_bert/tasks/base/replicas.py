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
