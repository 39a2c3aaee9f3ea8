"""A checkpoint without the feed-forward columns and layers that matter least."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.compression.importance import Importance
from keras_bert.errors import InputError


def prune(
    checkpoint: Checkpoint,
    importance: Importance | None = None,
    keep_ffn: float = 1.0,
    keep_layers: int | Sequence[int] | None = None,
) -> Checkpoint:
    """Takes feed-forward columns and whole layers from a checkpoint; its matrices are smaller, and so is its work.

    In each layer as many columns go, those of the least importance, so that `intermediate_size` says it all, and
    transformers opens the folder. Heads and poolers stay as they are.

    Args:
        checkpoint: An opened checkpoint; it stays as it is.
        importance: See `measure_importance`; needed where columns go.
        keep_ffn: Share of the feed-forward columns of each layer to keep, 0 to 1.
        keep_layers: How many layers to keep, the lowest, or their numbers, from 1. None for all.

    Returns:
        The smaller checkpoint, which `open_task` and every `from_preset` take; `notes` says what was done.

    Raises:
        InputError: Nothing or all is to go, there is no such layer, or the importance is of another model.

    Example:
        >>> importance = measure_importance(model, rows)  # doctest: +SKIP
        >>> small = open_task(prune(open_checkpoint("runs/sst2/model"), importance, keep_ffn=0.5))  # doctest: +SKIP

    References:
        Layers from the top: Sajjad et al. 2020, arXiv:2004.03844, section 3.
    """
    config = checkpoint.config
    layers = kept_layers(config.num_hidden_layers, keep_layers)
    if isinstance(keep_ffn, bool) or not isinstance(keep_ffn, int | float) or not 0 < keep_ffn <= 1:
        raise InputError(f"keep_ffn is {keep_ffn!r}; expected a share above 0, up to 1: what of each layer is kept")
    count = max(1, round(keep_ffn * config.intermediate_size))
    if count == config.intermediate_size and len(layers) == config.num_hidden_layers:
        raise InputError("nothing is to go: name a keep_ffn below 1, or fewer layers than there are")
    if count < config.intermediate_size:
        shape = (config.num_hidden_layers, config.intermediate_size)
        if importance is None or importance.columns.shape != shape:
            told = "none" if importance is None else f"that of {importance.columns.shape}"
            raise InputError(
                f"{checkpoint.source}: importance of {shape} layers and columns is needed, received: {told}"
            )
    prefix = "bert.encoder.layer."
    tensors = {name: tensor for name, tensor in checkpoint.tensors.items() if not name.startswith(prefix)}
    for new, old in enumerate(layers):
        before, after = f"{prefix}{old}.", f"{prefix}{new}."
        own = {name[len(before) :]: tensor for name, tensor in checkpoint.tensors.items() if name.startswith(before)}
        if importance is not None and count < config.intermediate_size:
            columns = np.sort(np.argsort(importance.columns[old], kind="stable")[-count:])
            own["intermediate.dense.weight"] = own["intermediate.dense.weight"][columns]
            own["intermediate.dense.bias"] = own["intermediate.dense.bias"][columns]
            own["output.dense.weight"] = own["output.dense.weight"][:, columns]
        tensors |= {f"{after}{name}": np.ascontiguousarray(tensor) for name, tensor in own.items()}
    smaller = dataclasses.replace(config, intermediate_size=count, num_hidden_layers=len(layers))
    note = f"pruned: {count} of {config.intermediate_size} feed-forward columns a layer, "
    note += f"{len(layers)} of {config.num_hidden_layers} layers ({', '.join(str(layer + 1) for layer in layers)})"
    metadata = {**checkpoint.metadata}
    for name in ("intermediate_size", "num_hidden_layers"):
        metadata.pop(name, None)
    pruned = dataclasses.replace(
        checkpoint, config=smaller, tensors=tensors, metadata=metadata, notes=[*checkpoint.notes, note]
    )
    return pruned.check()


def kept_layers(count: int, keep: int | Sequence[int] | None) -> list[int]:
    """Returns the numbers, from 0, of the layers to keep; see `prune`."""
    if keep is None:
        return list(range(count))
    if isinstance(keep, int) and not isinstance(keep, bool):
        if not 1 <= keep <= count:
            raise InputError(f"keep_layers is {keep}; there are {count} layers, of which 1 or more must stay")
        return list(range(keep))
    layers = list(keep) if isinstance(keep, Sequence) else []
    if not layers or not all(isinstance(layer, int) and 1 <= layer <= count for layer in layers):
        raise InputError(f"keep_layers is {keep!r}; expected how many, or some of the numbers 1 to {count}")
    if len(set(layers)) < len(layers):
        raise InputError(f"keep_layers is {keep!r}; a layer is named twice")
    return sorted(layer - 1 for layer in layers)
