"""A checkpoint of fewer blocks: its encoder up to a chosen layer."""

import dataclasses

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.errors import InputError


def up_to_layer(checkpoint: Checkpoint, layer: int | None) -> Checkpoint:
    """Leaves out the blocks above one: the hidden states of that block become the encoder's output.

    Args:
        checkpoint: An opened checkpoint, which stays as it is.
        layer: Number of the block, from 1; or from the last, which is -1. None for all blocks.

    Returns:
        A smaller checkpoint, for the `from_preset` of a task; heads and pooler stay as they are.

    Raises:
        InputError: There is no such block, or the encoder is pre-LN, whose hidden states are normalized at the end.

    Example:
        >>> checkpoint = up_to_layer(keras_bert.checkpoints.open_checkpoint("minilm"), -2)
        >>> checkpoint.config.num_hidden_layers
        5
        >>> keras_bert.BertClassifier.from_preset(checkpoint, labels=["no", "yes"], pooling="mean")  # doctest: +SKIP
    """
    if layer is None:
        return checkpoint
    blocks = checkpoint.config.num_hidden_layers
    if isinstance(layer, bool) or not isinstance(layer, int):
        raise InputError(f"layer is {layer!r}; expected a whole number, 1 to {blocks}, or from the last with -1")
    kept = layer + blocks + 1 if layer < 0 else layer
    if not 1 <= kept <= blocks:
        raise InputError(f"{checkpoint.source}: there is no layer {layer}; it has the layers 1 to {blocks}")
    if kept < blocks and checkpoint.config.norm_first:
        raise InputError(f"{checkpoint.source}: a pre-LN encoder normalizes the hidden states of its last block alone")
    above = tuple(f"bert.encoder.layer.{index}." for index in range(kept, blocks))
    tensors = {name: tensor for name, tensor in checkpoint.tensors.items() if not name.startswith(above)}
    config = dataclasses.replace(checkpoint.config, num_hidden_layers=kept)
    notes = [*checkpoint.notes, f"the blocks above layer {kept} of {blocks} are left out: as asked"]
    return dataclasses.replace(checkpoint, config=config, tensors=tensors, notes=notes)
