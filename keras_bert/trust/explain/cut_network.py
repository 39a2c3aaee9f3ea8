"""A task's network cut at the vectors of the words, and who looks at whom in it."""

from typing import Any, NamedTuple

import keras

from keras_bert.tasks.base.task import BertTask


class CutNetwork(NamedTuple):
    """Functional models of the layers of a task, which share its weights.

    Attributes:
        names: Names of the task's inputs.
        outputs: From a list, the word vectors, float (rows, tokens, size) as the embeddings give them, and the task's
            inputs in the order of `names`, to the task's outputs; of a regressor with an activation the number before.
        attention: From a dict of the task's inputs to a list with the attention probabilities of each block, float
            (rows, heads, tokens, tokens).
    """

    names: tuple[str, ...]
    outputs: Any
    attention: Any


def cut_at_words(task: BertTask) -> CutNetwork:
    """Cuts the network of a task at its word vectors.

    The cut network gives bit for bit what the task gives, when it is given the vectors that the embeddings make.

    Args:
        task: The task.

    Returns:
        The two halves that explaining needs.
    """
    encoder = task.encoder
    numbers = {id(block): number for number, block in enumerate(encoder.blocks)}
    vectors: list[Any] = []
    attention: dict[int, Any] = {}

    def call_part(layer: Any, *args: Any, **kwargs: Any) -> Any:
        number = numbers.get(id(layer))
        # The last block may be called once more, for first tokens alone.
        if number is not None and not kwargs.get("first_token"):
            attention[number] = _Attention(layer, name=f"attention_{number + 1}")(*args)
        called = layer(*args, **kwargs)
        if layer is encoder.embeddings:
            vectors.append(called)
        return called

    def call_layer(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if layer is encoder:
            return _same(encoder, args[0], call_part).output
        if layer is activation:
            return args[0]
        return layer(*args, **kwargs)

    has_activation = getattr(task, "activation", "linear") != "linear"
    activation = task.get_layer("score") if has_activation else None
    # A model that is compiled would be compiled anew.
    is_compiled, task.compiled = task.compiled, False
    try:
        network = _same(task, None, call_layer)
    finally:
        task.compiled = is_compiled
    names = tuple(network.input)
    return CutNetwork(
        names,
        keras.Model([vectors[0], *(network.input[name] for name in names)], network.output),
        keras.Model(network.input, [attention[number] for number in sorted(attention)]),
    )


class _Attention(keras.layers.Layer):
    """Computes who looks at whom in a block, from what the block is given."""

    def __init__(self, block: Any, **kwargs: Any) -> None:
        super().__init__(dtype=block.dtype_policy, **kwargs)
        self.block = block
        self.built = True

    def call(self, hidden: Any, attention_bias: Any, padding_mask: Any) -> Any:
        """Computes the probabilities before dropout: float (batch, heads, tokens, tokens)."""
        block = self.block
        inputs = block.attention_norm(hidden) if block.norm_first else hidden
        return block.attention.probabilities(inputs, attention_bias, padding_mask if block.unpad else None)

    def compute_output_shape(self, hidden_shape: Any, attention_bias_shape: Any, padding_mask_shape: Any) -> Any:
        """Says how large they are."""
        batch, _, _, tokens = attention_bias_shape
        return (batch, self.block.num_heads, tokens, tokens)


def _same(model: Any, inputs: Any, call: Any) -> Any:
    """Calls the same layers once more, in another way."""
    return keras.models.clone_model(model, inputs, clone_function=lambda layer: layer, call_function=call)
