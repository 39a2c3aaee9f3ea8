"""Updates of large variables on a CPU, compiled so that each reads and writes memory once."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

if keras.config.backend() == "tensorflow":
    import tensorflow as tf

    from keras_bert.graph import graph_function

# Elements from which compiling pays. Below it a variable stays in the cache, and compiling takes longer than it saves.
_LARGE = 2**16


def pays(variable: Any) -> bool:
    """Tells whether to compile the update of a variable: a large one, on a CPU, of one replica.

    On a GPU memory is fast and TensorFlow's own kernels do; under a distribution strategy a variable is several.

    Args:
        variable: A variable of the backend, not of Keras.

    Example:
        >>> pays(tf.Variable(tf.zeros((300, 300)))), pays(tf.Variable(tf.zeros((3, 3))))
        (True, False)
    """
    return (
        keras.config.backend() == "tensorflow"
        and not tf.distribute.has_strategy()
        and variable.device.endswith("CPU:0")
        and variable.shape.num_elements() >= _LARGE
    )


def in_one_pass(arithmetic: Callable[..., tuple[Any, ...]]) -> Callable[..., list[Any]]:
    """Compiles an update: XLA makes one loop of the arithmetic, and writes the results over the variables.

    One operation after another would be a pass over memory each, most into memory that is asked for at every step.

    Args:
        arithmetic: Takes the variables' values and then tensors; gives the variables' new values, then whatever
            else it computes.

    Returns:
        A function of a list of variables (one to a value) and of tensors, which assigns the new values and returns
        the rest. It is compiled once for each combination of shapes, and works as long as the variables exist that
        it was first called with.

    Example:
        >>> decay = in_one_pass(lambda value, factor: (value * factor,))
        >>> table = tf.Variable([2.0, 4.0])
        >>> _ = decay([table], tf.constant(0.5))
        >>> table.numpy().tolist()
        [1.0, 2.0]
    """

    def update(variables: Sequence[Any], *tensors: Any) -> list[Any]:
        results = arithmetic(*(variable.read_value() for variable in variables), *tensors)
        for variable, value in zip(variables, results, strict=False):
            variable.assign(value)
        return list(results[len(variables) :])

    return graph_function(update, jit_compile=True)
