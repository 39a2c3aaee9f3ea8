"""A learning rate for each part of a model: from names in the paths of variables to a factor for each variable."""

import math
import re
from collections.abc import Mapping, Sequence

from keras_bert.errors import InputError

_BLOCK = re.compile(r"block_(\d+)")


def rate_factors(
    paths: Sequence[str], multipliers: Mapping[str, float], num_hidden_layers: int | None = None
) -> list[float]:
    """Returns the factor on the learning rate of each variable.

    Args:
        paths: Of the trainable variables, such as `"block_0/attention/qkv/kernel"`.
        multipliers: Part of a path → factor. A path with several of the parts has the product.
        num_hidden_layers: The blocks that the multipliers were made for, where they name each block and the
            embeddings; the lowest of them may be frozen, and so be missing.

    Raises:
        InputError: A name is part of no path, or the encoder has another number of blocks.

    Example:
        >>> rate_factors(["embeddings/table", "block_0/kernel"], {"embeddings": 0.1})
        [0.1, 1.0]
    """
    parts = [path.split("/") for path in paths]
    known = {part for path in parts for part in path}
    blocks = sorted(int(match[1]) for match in map(_BLOCK.fullmatch, known) if match)
    if num_hidden_layers is not None and blocks and blocks[-1] + 1 != num_hidden_layers:
        raise InputError(
            f"layer_decay: num_hidden_layers={num_hidden_layers}, and the encoder has {blocks[-1] + 1} blocks; "
            f"the trainable variables are {_listed(paths)}"
        )
    unknown = [name for name in multipliers if name not in known] if num_hidden_layers is None else []
    if unknown:
        raise InputError(
            f"multipliers: {', '.join(map(repr, unknown))} is part of no trainable variable's path; "
            f"the paths are {_listed(paths)}"
        )
    return [math.prod(multipliers.get(part, 1.0) for part in path) for path in parts]


def _listed(paths: Sequence[str]) -> str:
    """Lists paths, those of several blocks once: `block_0..11/output_dense/kernel`."""
    numbers: dict[str, list[int]] = {}
    for path in paths:
        match = re.search(r"\bblock_(\d+)\b", path)
        key = path if match is None else path.replace(match[0], "block_{}")
        numbers.setdefault(key, []).extend([] if match is None else [int(match[1])])
    names = []
    for key, found in numbers.items():
        first, last = (min(found), max(found)) if found else (0, 0)
        names.append(key.replace("{}", str(first) if first == last else f"{first}..{last}") if found else key)
    return ", ".join(names[:40]) + (f" and {len(names) - 40} more" if len(names) > 40 else "")
