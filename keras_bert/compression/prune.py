"""A checkpoint without the feed-forward columns, attention heads and layers that matter least."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.compression.importance import Importance
from keras_bert.errors import InputError
from keras_bert.layers.adapted_linear import QUERY_KEY_VALUE


def prune(
    checkpoint: Checkpoint,
    importance: Importance | None = None,
    keep_ffn: float = 1.0,
    keep_layers: int | Sequence[int] | None = None,
    keep_heads: float = 1.0,
) -> Checkpoint:
    """Takes feed-forward columns, attention heads and whole layers from a checkpoint, whose matrices become smaller.

    In each layer as many columns and heads go, those of the least importance, so that `config.json` says the sizes. A
    folder without columns or layers opens in transformers. One without heads does not: transformers' BERT has no head
    size of its own, and the folder's `model_type` makes it say so.

    Args:
        checkpoint: An opened checkpoint; it stays as it is.
        importance: See `measure_importance`; needed where columns or heads go.
        keep_ffn: Share of the feed-forward columns of each layer to keep, above 0, up to 1.
        keep_layers: How many layers to keep, the lowest, or their numbers, from 1. None for all.
        keep_heads: Share of the attention heads of each layer to keep, above 0, up to 1.

    Returns:
        The smaller checkpoint, which `open_task` and every `from_preset` take; `notes` says what was done.

    Raises:
        InputError: Nothing or all is to go, there is no such layer, or the importance is of another model.

    Example:
        >>> checkpoint = keras_bert.checkpoints.open_checkpoint("minilm")
        >>> prune(checkpoint, keep_layers=4).config.num_hidden_layers
        4
        >>> importance = keras_bert.compression.measure_importance(model, rows)  # doctest: +SKIP
        >>> small = keras_bert.tasks.open_task(prune(checkpoint, importance, keep_ffn=0.5))  # doctest: +SKIP

    References:
        Layers from the top: Sajjad et al. 2020, arXiv:2004.03844, section 3.
    """
    config = checkpoint.config
    layers = kept_layers(config.num_hidden_layers, keep_layers)
    columns = _kept_count("keep_ffn", keep_ffn, config.intermediate_size)
    heads = _kept_count("keep_heads", keep_heads, config.num_attention_heads)
    smaller = dataclasses.replace(
        config,
        num_hidden_layers=len(layers),
        intermediate_size=columns,
        num_attention_heads=heads,
        attention_head_size=config.head_size,
    )
    if smaller == config:
        raise InputError("nothing is to go: name a keep_ffn or keep_heads below 1, or fewer layers than there are")
    found = (None, None) if importance is None else (importance.columns, importance.heads)
    for of_layers, kept, count, what in (
        (found[0], columns, config.intermediate_size, "columns"),
        (found[1], heads, config.num_attention_heads, "heads"),
    ):
        shape = (config.num_hidden_layers, count)
        if kept < count and (of_layers is None or of_layers.shape != shape):
            told = "none" if of_layers is None else f"that of {of_layers.shape}"
            needed = f"importance of {shape} layers and {what}"
            raise InputError(f"{checkpoint.source}: {needed} is needed, received: {told}")
    prefix = "bert.encoder.layer."
    tensors = {name: tensor for name, tensor in checkpoint.tensors.items() if not name.startswith(prefix)}
    for new, old in enumerate(layers):
        before, after = f"{prefix}{old}.", f"{prefix}{new}."
        own = {name[len(before) :]: tensor for name, tensor in checkpoint.tensors.items() if name.startswith(before)}
        if importance is not None and columns < config.intermediate_size:
            _keep(own, ("intermediate.dense",), "output.dense", _highest(importance.columns[old], columns))
        if importance is not None and heads < config.num_attention_heads:
            first = config.head_size * _highest(importance.heads[old], heads)
            units = (first[:, None] + np.arange(config.head_size)).reshape(-1)
            _keep(own, QUERY_KEY_VALUE, "attention.output.dense", units)
        tensors |= {f"{after}{name}": np.ascontiguousarray(tensor) for name, tensor in own.items()}
    note = f"pruned: {columns} of {config.intermediate_size} feed-forward columns a layer, "
    note += f"{heads} of {config.num_attention_heads} heads, " if heads < config.num_attention_heads else ""
    note += f"{len(layers)} of {config.num_hidden_layers} layers ({', '.join(str(layer + 1) for layer in layers)})"
    architecture = smaller.to_dict()  # a config.json that the fields came from says how it was
    metadata = {name: value for name, value in checkpoint.metadata.items() if name not in architecture}
    pruned = dataclasses.replace(
        checkpoint, config=smaller, tensors=tensors, metadata=metadata, notes=[*checkpoint.notes, note]
    )
    return pruned.check()


def _kept_count(name: str, share: float, count: int) -> int:
    """Returns how many of `count` are kept."""
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        raise InputError(f"{name} is {share!r}; expected a share above 0, up to 1: what of each layer is kept")
    return max(1, round(share * count))


def _highest(importance: np.ndarray, count: int) -> np.ndarray:
    """Returns the places of the highest numbers, in their order."""
    return np.sort(np.argsort(importance, kind="stable")[-count:])


def _keep(tensors: dict[str, np.ndarray], into: Sequence[str], out_of: str, units: np.ndarray) -> None:
    """Leaves of the layers `into` only those units, and what the layer `out_of` reads of them."""
    for name in into:
        tensors[f"{name}.weight"] = tensors[f"{name}.weight"][units]
        tensors[f"{name}.bias"] = tensors[f"{name}.bias"][units]
    tensors[f"{out_of}.weight"] = tensors[f"{out_of}.weight"][:, units]


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
