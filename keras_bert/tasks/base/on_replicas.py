"""A function of batches that all replicas of a strategy share in, as in scoring held-out rows."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from keras_bert.graph import graph_function


def on_replicas(
    strategy: tf.distribute.Strategy | None, function: Callable[..., Any], signature: Sequence[Any]
) -> Callable[..., Any]:
    """Makes a graph function that gives each replica of a strategy an equal share of a batch's rows.

    Every replica, and with several workers every worker, gets the outputs of all rows; workers must call it as often as
    the others, with the same batches. With one replica it is `tf.function`; so it is of strings on a TPU, whose cores
    know none: there the host computes.

    Args:
        strategy: That of the model which the function calls; None where a process computes alone, as in answers.
        function: From tensors (rows, ...), in any nesting, and scalars, which are for all rows, to numbers (rows, ...);
            a row's output depends on that row and the scalars alone.
        signature: The specifications of its arguments; the first one is of rows.

    Example:
        >>> double = on_replicas(tf.distribute.get_strategy(), lambda x: 2 * x, [tf.TensorSpec([None])])
        >>> double(tf.constant([1.0, 2.0])).numpy().tolist()
        [2.0, 4.0]
    """
    has_strings = any(spec.dtype == tf.string for spec in tf.nest.flatten(signature))
    by_host = has_strings and isinstance(strategy, tf.distribute.TPUStrategy)
    if strategy is None or strategy.num_replicas_in_sync == 1 or by_host:
        return graph_function(function, input_signature=list(signature))
    replicas = strategy.num_replicas_in_sync

    def shared(*arguments: Any) -> Any:
        rows = tf.shape(tf.nest.flatten(arguments)[0])[0]
        size = (rows + replicas - 1) // replicas

        def share() -> Any:
            context = tf.distribute.get_replica_context()
            places = context.replica_id_in_sync_group * size + tf.range(size)
            # Rows that are missing are copies of the last one: all shares are alike.
            own = tf.minimum(places, rows - 1)
            outputs = function(*tf.nest.map_structure(lambda tensor: _rows(tensor, own), arguments))
            return tf.nest.map_structure(lambda tensor: context.all_gather(tensor, axis=0), outputs)

        outputs = strategy.run(share)
        return tf.nest.map_structure(lambda each: strategy.experimental_local_results(each)[0][:rows], outputs)

    return graph_function(shared, input_signature=list(signature))


def _rows(tensor: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    return tf.gather(tensor, numbers) if tensor.shape.rank else tensor
