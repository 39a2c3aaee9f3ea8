"""Functions of a model with its weights as constants, the form that a CPU runs fastest."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.serving.signature import Signature

# A graph is one protocol buffer, which ends at 2 GiB; the difference is room for everything else in it.
MOST_BYTES = 2**31 - 2**26


def frozen(model: keras.Model, signatures: Mapping[str, Signature]) -> dict[str, Signature]:
    """Puts the weights that a model has now into functions of it, in place of its variables.

    oneDNN lays a constant matrix out for its kernels once, a variable in every call; casts of constants, as the policy
    `mixed_bfloat16` makes them, are done once as well. Whoever loads such a SavedModel cannot train it further.

    Args:
        model: Owner of all variables that the functions use.
        signatures: Name → function. Each that uses the weights gets a copy of them.

    Returns:
        The same names, with functions that make the same outputs.

    Raises:
        InputError: The weights do not fit into a graph.

    Example:
        >>> signatures = frozen(model, model.signatures())  # doctest: +SKIP
    """
    return {name: _frozen(model, signature) for name, signature in signatures.items()}


def _frozen(model: keras.Model, signature: Signature) -> Signature:
    traced = tf.function(signature.function).get_concrete_function(**signature.inputs)
    used = {id(variable) for variable in traced.variables}
    variables = [variable for variable in model.variables if id(variable.value) in used]
    size = sum(variable.value.dtype.size * variable.value.shape.num_elements() for variable in variables)
    if size > MOST_BYTES:
        raise InputError(
            f"the weights, {size / 2**30:.1f} GiB, do not fit into a graph, which ends at 2 GiB; "
            "export without freezing"
        )

    values = [variable.numpy() for variable in variables]

    def with_constants(**inputs: Any) -> dict[str, Any]:
        # Made in here, so that they are part of the graph and not handed to it.
        constants = [tf.constant(value) for value in values]
        with keras.StatelessScope(state_mapping=zip(variables, constants, strict=True)):
            return signature.function(**inputs)

    return Signature(with_constants, signature.inputs)
