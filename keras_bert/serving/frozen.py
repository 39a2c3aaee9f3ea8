"""Functions of a model with its weights as constants, the form that a CPU runs fastest."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.graph import graph_function
from keras_bert.serving.signature import Signature

# A graph is one protocol buffer, which ends at 2 GiB; the difference is room for everything else in it.
MOST_BYTES = 2**31 - 2**26


def frozen(
    model: keras.Model, signatures: Mapping[str, Signature], tables: Sequence[tuple[Any, tf.Variable]] = ()
) -> dict[str, Signature]:
    """Puts the weights that a model has now into functions of it, in place of its variables.

    oneDNN lays a constant matrix out for its kernels once, a variable in every call; casts of constants, as the policy
    `mixed_bfloat16` makes them, are done once as well. Whoever loads such a SavedModel cannot train it further.

    A table of which rows are taken gains nothing by it and costs memory: TensorFlow holds a constant of a graph several
    times over. It stays a variable, one for all functions.

    Args:
        model: Owner of all variables that the functions use.
        signatures: Name → function. Each that uses the weights gets a copy of them; all copies are in one graph.
        tables: Variables of the model to read elsewhere, each with the variable that holds its value.

    Returns:
        The same names, with functions that make the same outputs.

    Raises:
        InputError: The weights, counted once for each function that uses them, do not fit into a graph.

    Example:
        >>> model = keras_bert.BertClassifier.from_preset("minilm", labels=["no", "yes"])
        >>> sorted(frozen(model, model.signatures()))
        ['labels', 'serving_default', 'token_ids']
    """
    traced = {
        name: graph_function(signature.function).get_concrete_function(**signature.inputs)
        for name, signature in signatures.items()
    }
    used = {name: _constants(model, function, tables) for name, function in traced.items()}
    # All functions of a SavedModel are in one graph.
    size = sum(value.nbytes for one in used.values() for _, value in one)
    if size > MOST_BYTES:
        copies = sum(bool(one) for one in used.values())
        raise InputError(
            f"the weights, {size / 2**30:.1f} GiB{f' in {copies} functions' if copies > 1 else ''}, do not fit into a "
            "graph, which ends at 2 GiB; export without freezing"
        )
    return {name: _frozen(signature, used[name], tables) for name, signature in signatures.items()}


def _constants(
    model: keras.Model, traced: Any, tables: Sequence[tuple[Any, tf.Variable]]
) -> list[tuple[Any, np.ndarray]]:
    """Returns the variables of a model that a traced function reads, and the value to put in the place of each."""
    used = {id(variable) for variable in traced.variables} - {id(variable.value) for variable, _ in tables}
    values = [(variable, variable.value.numpy()) for variable in model.variables if id(variable.value) in used]
    rounded = _rounded(traced)
    return [
        (variable, value.astype(tf.bfloat16.as_numpy_dtype) if id(variable.value) in rounded else value)
        for variable, value in values
    ]


def _rounded(traced: Any) -> set[int]:
    """Returns the `id` of each variable that a function casts to bfloat16 wherever it reads it."""
    held = {id(variable.handle): variable for variable in traced.variables}
    found = set()
    for handle, inner in traced.graph.captures:
        readers = inner.consumers()
        values = [tensor for reader in readers for tensor in reader.outputs]
        users = [user for value in values for user in value.consumers()]
        casts = users and all(user.type == "Cast" and user.outputs[0].dtype == tf.bfloat16 for user in users)
        if casts and all(reader.type == "ReadVariableOp" for reader in readers):
            found.add(id(held[id(handle)]))
    return found


def _frozen(
    signature: Signature, used: Sequence[tuple[Any, np.ndarray]], tables: Sequence[tuple[Any, tf.Variable]]
) -> Signature:
    def with_constants(**inputs: Any) -> dict[str, Any]:
        with keras.StatelessScope(state_mapping=tables) as scope:
            # Made in here, so that they are part of the graph and not handed to it; and put in by hand, because as an
            # argument each is cast to the variable's own type.
            scope.state_mapping.update({id(variable): tf.constant(value) for variable, value in used})
            return signature.function(**inputs)

    return Signature(with_constants, signature.inputs)
