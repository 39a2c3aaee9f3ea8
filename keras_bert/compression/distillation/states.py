"""A task's network with what goes on inside of its encoder among the outputs, in one pass."""

from collections.abc import Callable, Collection
from typing import Any

import keras

from keras_bert.errors import InputError
from keras_bert.tasks.base.task import BertTask

OUTPUTS = "outputs"
"""The name of the task's own outputs."""

Caller = Callable[..., Any]
"""A function that calls a block in place of the block itself: from its number, from 0, the block and the arguments."""


def watched(
    task: BertTask, hidden: Collection[int] = (), query_key_value: Collection[int] = (), call: Caller | None = None
) -> Any:
    """Makes a model of the layers of a task, its weights shared, that gives inner states as well.

    Args:
        task: The task.
        hidden: Blocks whose hidden states are asked for, from 1; 0 is the embeddings.
        query_key_value: Blocks whose query, key and value vectors are asked for, from 1.
        call: Calls the blocks in another way.

    Returns:
        A functional model from the task's inputs to a dict: `outputs`, what the task gives; `hidden_N` float
        (batch · tokens, size), behind block N; `qkv_N` float (batch · tokens, 3 · size), side by side.

    Raises:
        InputError: The encoder leaves padding out (`unpad`), so that its states have other shapes.
    """
    encoder = task.encoder
    if encoder.unpad:
        raise InputError("distillation trains with padding: set encoder.unpad = False")
    numbers = {id(block): number for number, block in enumerate(encoder.blocks)}
    states: dict[str, Any] = {}

    def call_part(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if layer is encoder.embeddings and 0 in hidden:
            embedded = layer(*args, **kwargs)
            states["hidden_0"] = keras.ops.reshape(embedded, (-1, embedded.shape[-1]))
            return embedded
        number = numbers.get(id(layer))
        if number is None:
            return layer(*args, **kwargs)
        called = layer(*args, **kwargs) if call is None else call(number, layer, *args, **kwargs)
        # The last block may be called once more, for first tokens alone.
        if not kwargs.get("first_token"):
            if number + 1 in query_key_value:
                name = f"qkv_{number + 1}"
                states[name] = _QueryKeyValue(layer, name=name)(args[0])
            if number + 1 in hidden:
                states[f"hidden_{number + 1}"] = called[0] if layer.output_attentions else called
        return called

    def call_layer(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if layer is encoder:
            return _same(encoder, args[0], call_part).output
        return layer(*args, **kwargs)

    # A model that is compiled would be compiled anew.
    is_compiled, task.compiled = task.compiled, False
    try:
        network = _same(task, None, call_layer)
    finally:
        task.compiled = is_compiled
    return keras.Model(network.input, {OUTPUTS: network.output, **states})


class _QueryKeyValue(keras.layers.Layer):
    """Computes the vectors of a block's attention, from the input of the block."""

    def __init__(self, block: Any, **kwargs: Any) -> None:
        super().__init__(dtype=block.dtype_policy, **kwargs)
        self.block = block
        self.built = True

    def call(self, hidden: Any) -> Any:
        """Computes what the block computes first: float (batch · tokens, 3 · heads · head size)."""
        return self.block.attention.qkv(self.block.attention_norm(hidden) if self.block.norm_first else hidden)

    def compute_output_shape(self, hidden_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Says how wide it is."""
        return (*hidden_shape[:-1], self.block.attention.qkv.units)


def _same(model: Any, inputs: Any, call: Callable[..., Any]) -> Any:
    """Calls the same layers once more, in another way."""
    return keras.models.clone_model(model, inputs, clone_function=lambda layer: layer, call_function=call)
