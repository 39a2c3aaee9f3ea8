"""Python functions as TensorFlow graphs, traced as they are written.

By default TensorFlow rewrites a function, and all that it calls, so that `if` and `for` may depend on tensors
(AutoGraph). Nothing in this package is written so; rewriting its functions took a fifth of the time to a first answer.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def graph_function(function: Callable[..., Any], **options: Any) -> Any:
    """Returns a `tf.function` without AutoGraph.

    Args:
        function: Takes and returns tensors.
        **options: Those of `tf.function`.

    Example:
        >>> double = graph_function(lambda x: 2 * x, input_signature=[tf.TensorSpec([None], tf.int32)])
        >>> double(tf.constant([1, 2])).numpy().tolist()
        [2, 4]
    """
    return tf.function(function, autograph=False, **options)


def as_written(function: Callable[..., Any]) -> Callable[..., Any]:
    """Keeps AutoGraph from a function that a data set maps.

    Args:
        function: Takes and returns the elements of a data set.

    Example:
        >>> rows = tf.data.Dataset.range(3).map(as_written(lambda x: 2 * x))
        >>> list(rows.as_numpy_iterator())
        [0, 2, 4]
    """
    return tf.autograph.experimental.do_not_convert(function)
