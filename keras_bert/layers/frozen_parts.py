"""Which parts of a layer are frozen, as names that a config can keep."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_bert.errors import InputError


def frozen_parts(layer: Any, leave_out: Sequence[Any] = ()) -> list[str]:
    """Lists what is frozen inside a layer or model, down to single weights.

    A part that is frozen as a whole stands for all below it.

    Args:
        layer: A built layer or model.
        leave_out: Direct parts that are not looked at.

    Returns:
        Paths such as `block_0`, `block_1/attention/qkv` or `classifier/bias`.

    Example:
        >>> layer = keras.layers.Dense(2)
        >>> layer.build((None, 3))
        >>> layer.bias.trainable = False
        >>> frozen_parts(layer)
        ['bias']
    """
    found = []
    for name, part in _parts(layer).items():
        if any(part is other for other in leave_out):
            continue
        if is_frozen(part):
            found.append(name)
        else:
            found += [f"{name}/{path}" for path in frozen_parts(part)]
    return found


def is_frozen(layer: Any) -> bool:
    """Says whether a layer or a weight is frozen, with all that is inside."""
    return not layer.trainable and all(map(is_frozen, _parts(layer).values()))


def freeze_parts(layer: Any, paths: Sequence[str]) -> None:
    """Freezes what `frozen_parts` listed.

    Args:
        layer: A layer or model of the same making.
        paths: The paths.

    Raises:
        InputError: There is no such part.
    """
    for path in paths:
        part = layer
        for name in path.split("/"):
            parts = _parts(part)
            if name not in parts:
                raise InputError(f"{layer.name}: no part {name!r} of {path!r} to freeze; there are: {', '.join(parts)}")
            part = parts[name]
        part.trainable = False


def _parts(layer: Any) -> dict[str, Any]:
    """The layers and weights inside a layer by the names of its attributes; of a model, its layers by their names."""
    if isinstance(layer, keras.Variable):
        return {}
    if isinstance(layer, keras.Model):
        return {part.name: part for part in layer.layers}
    parts: dict[str, Any] = {}
    for name, value in vars(layer).items():
        items = enumerate(value) if isinstance(value, list | tuple) else [(None, value)]
        for index, part in items:
            if not name.startswith("_") and isinstance(part, keras.Layer | keras.Variable):
                parts[name if index is None else f"{name}.{index}"] = part
    return parts
