"""Whether the tensors of a file are those that a config asks for: by names and shapes, before anything is read."""

import itertools
import re
from collections.abc import Iterable, Mapping

from keras_bert.checkpoints.names import (
    POOLER,
    POSITION_EMBEDDINGS,
    PREFIX,
    SEGMENT_EMBEDDINGS,
    WORD_EMBEDDINGS,
    encoder_shapes,
    layer_shapes,
)
from keras_bert.config import BertConfig
from keras_bert.errors import InputError

Shapes = Mapping[str, tuple[int, ...]]

_LONGEST_NAME = 120

# The field of the config that decides the rows of each table.
_TABLES = {
    WORD_EMBEDDINGS: "vocab_size",
    POSITION_EMBEDDINGS: "max_position_embeddings",
    SEGMENT_EMBEDDINGS: "type_vocab_size",
}


def check_shapes(shapes: Shapes, config: BertConfig, source: str, others: Iterable[str] = ()) -> None:
    """Checks that the tensors of a file are those of an encoder; the pooler may be missing.

    Args:
        shapes: The shapes of the tensors by Hugging Face's names, heads among them.
        config: The architecture.
        source: The file or handle, for messages.
        others: Names in the file that mean nothing, for the message where there is no encoder at all.

    Raises:
        InputError: A tensor of the encoder is missing, is one too many, or has another shape.
    """
    if WORD_EMBEDDINGS not in shapes:
        first = shortened(list(shapes)[:3] or list(others)[:3]) or "none"
        raise InputError(
            f"{source}: not a BERT: no {WORD_EMBEDDINGS} among its tensors, the first of which are: {first}"
        )
    _check_layers(shapes, config, source)
    expected = encoder_shapes(config)
    pooler = any(name.startswith(POOLER) for name in shapes)
    missing = [name for name in expected if name not in shapes and (pooler or not name.startswith(POOLER))]
    surplus = [name for name in shapes if name.startswith(PREFIX) and name not in expected]
    if missing:
        raise InputError(f"{source}: {len(missing)} tensors that the config asks for are missing: {shortened(missing)}")
    if surplus:
        raise InputError(f"{source}: {len(surplus)} tensors that the config has no place for: {shortened(surplus)}")
    for name, shape in expected.items():
        if name in shapes and shapes[name] != shape:
            raise InputError(f"{source}: {shape_message(name, shapes[name], shape, 'the config')}")


def _check_layers(shapes: Shapes, config: BertConfig, source: str) -> None:
    """Compares the number of layers first: a config may ask for so many that their names alone fill the memory."""
    found = {match[1] for name in shapes if (match := re.match(r"bert\.encoder\.layer\.(\d+)\.", name))}
    if config.num_hidden_layers > len(found):
        first = next(index for index in itertools.count() if str(index) not in found)
        names = list(layer_shapes(config, first))
        count = len(names) * (config.num_hidden_layers - len(found))
        raise InputError(
            f"{source}: {count} tensors that the config asks for are missing: {shortened(names, count=count)} "
            f"(num_hidden_layers={config.num_hidden_layers}, the file has {len(found)} layers)"
        )


def shape_message(name: str, found: tuple[int, ...], expected: tuple[int, ...], whose: str) -> str:
    """Says that a tensor has another shape than expected, with the field of the config that decides it."""
    field = _TABLES.get(name)
    if field and len(found) == 2 and found[1:] == expected[1:]:
        return f"{name} has {found[0]} rows in the file, {whose} has {field}={expected[0]}"
    return f"{name} has the shape {shape_text(found)} in the file, {shape_text(expected)} by {whose}"


def shortened(names: list[str], limit: int = 4, count: int | None = None) -> str:
    """Joins names, the first few of many, each in part if it is very long.

    Args:
        names: The names, or the first of them.
        limit: How many to show.
        count: How many there are; None for as many as `names` has.
    """
    shown = [name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..." for name in names[:limit]]
    more = (len(names) if count is None else count) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def shape_text(shape: tuple[int, ...]) -> str:
    """Writes a shape: `(48, 96)`."""
    return "(" + ", ".join(map(str, shape)) + ")"
