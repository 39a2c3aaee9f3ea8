"""Functions of a model with its weights as constants, the form that a CPU runs fastest."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.graph import graph_function
from keras_bert.serving.signature import Signature

# A graph is one protocol buffer, which ends at 2 GiB; the difference is room for everything else in it.
MOST_BYTES = 2**31 - 2**26


def frozen(model: keras.Model, signatures: Mapping[str, Signature]) -> dict[str, Signature]:
    """Puts the weights that a model has now into functions of it, in place of its variables.

    oneDNN lays a constant matrix out for its kernels once, a variable in every call; casts of constants, as the policy
    `mixed_bfloat16` makes them, are done once as well. Whoever loads such a SavedModel cannot train it further.

    Args:
        model: Owner of all variables that the functions use.
        signatures: Name → function. Each that uses the weights gets a copy of them; all copies are in one graph.

    Returns:
        The same names, with functions that make the same outputs.

    Raises:
        InputError: The weights, counted once for each function that uses them, do not fit into a graph.

    Example:
        >>> signatures = frozen(model, model.signatures())  # doctest: +SKIP
    """
    traced = {
        name: graph_function(signature.function).get_concrete_function(**signature.inputs)
        for name, signature in signatures.items()
    }
    used = {name: _variables(model, function) for name, function in traced.items()}
    # All functions of a SavedModel are in one graph.
    size = sum(variable.dtype.size * variable.shape.num_elements() for one in used.values() for _, variable in one)
    if size > MOST_BYTES:
        copies = sum(bool(one) for one in used.values())
        raise InputError(
            f"the weights, {size / 2**30:.1f} GiB{f' in {copies} functions' if copies > 1 else ''}, do not fit into a "
            "graph, which ends at 2 GiB; export without freezing"
        )
    return {name: _frozen(signature, used[name]) for name, signature in signatures.items()}


def _variables(model: keras.Model, traced: Any) -> list[tuple[Any, tf.Variable]]:
    """Returns the variables of a model that a traced function reads, as Keras and as TensorFlow know them."""
    used = {id(variable) for variable in traced.variables}
    return [(variable, variable.value) for variable in model.variables if id(variable.value) in used]


def _frozen(signature: Signature, used: Sequence[tuple[Any, tf.Variable]]) -> Signature:
    values = [variable.numpy() for _, variable in used]

    def with_constants(**inputs: Any) -> dict[str, Any]:
        # Made in here, so that they are part of the graph and not handed to it.
        constants = [(variable, tf.constant(value)) for (variable, _), value in zip(used, values, strict=True)]
        with keras.StatelessScope(state_mapping=constants):
            return signature.function(**inputs)

    return Signature(with_constants, signature.inputs)
