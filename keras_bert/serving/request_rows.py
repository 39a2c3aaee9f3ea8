"""Rows of texts as the inputs of a signature."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from keras_bert.errors import InputError


def request_row(row: Any, inputs: Mapping[str, tf.TensorSpec], name: str) -> dict[str, Any]:
    """Makes what a signature takes of a row.

    Args:
        row: Texts as `answer` takes them: a string, a tuple of strings, or a dict by the inputs' names; its other
            fields are passed over.
        inputs: Name → spec of what the signature takes, string (batch,), or (batch, choices).
        name: What the row is called in a message.

    Returns:
        Name of each input → its bytes, or a list of them.

    Raises:
        InputError: The row has not what the signature takes.

    Example:
        >>> request_row("good", {"text": tf.TensorSpec([None], tf.string)}, "row 0")
        {'text': b'good'}
    """
    names = list(inputs)
    given = row
    if isinstance(row, str | bytes):
        row = (row,)
    if not isinstance(row, Mapping):
        fits = isinstance(row, Sequence) and len(row) == len(names)
        row = dict(zip(names, row, strict=True)) if fits else {}
    texts = {name: _encoded(row[name]) for name in names if name in row}
    if any(name not in texts or _rank(texts[name]) != inputs[name].shape.rank - 1 for name in names):
        takes = ", ".join(
            f"{name} ({'a string' if spec.shape.rank == 1 else 'strings'})" for name, spec in inputs.items()
        )
        raise InputError(f"{name}: expected {takes}, received: {given!r:.200}")
    return texts


def text_shape(value: Any) -> tuple[int, ...]:
    """Returns the shape of an input of `request_row`: () of a text, (count,) of several."""
    return () if isinstance(value, bytes) else (len(value),)


def _encoded(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return (
        [_encoded(inner) for inner in value] if isinstance(value, Sequence) and not isinstance(value, bytes) else value
    )


def _rank(value: Any) -> int | None:
    """Returns 0 of a text, 1 of a list of texts, None of anything else."""
    if isinstance(value, list):
        return 1 if all(isinstance(inner, bytes) for inner in value) else None
    return 0 if isinstance(value, bytes) else None
