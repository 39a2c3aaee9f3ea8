"""Whether values that a file gives are of the kinds that a function's annotations name."""

import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keras_bert.errors import InputError

_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a string", types.NoneType: "null"}


def check_kinds(function: Callable[..., Any], values: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Checks settings that were read from JSON against the annotations of what takes them.

    Constructors compare, count and iterate as their annotations allow; what another kind of value would do there is a
    traceback at best.

    Args:
        function: Takes the settings as arguments: a class, or a function.
        values: The settings by name; those that it does not take are left to it to refuse.
        source: Where they are from, for the message.

    Returns:
        The settings.

    Raises:
        InputError: Names the first setting of another kind, and the kind that is expected.

    Example:
        >>> def cut(length: int, markers: Sequence[str] = ()) -> None: ...
        >>> check_kinds(cut, {"length": "12"}, "keras_bert.json")
        Traceback (most recent call last):
        ...
        keras_bert.errors.InputError: keras_bert.json: length is '12', expected a whole number
    """
    constructor = vars(function).get("__init__") if isinstance(function, type) else None
    hints = typing.get_type_hints(constructor or function)
    for name, value in values.items():
        if name in hints and not _is_a(value, hints[name]):
            raise InputError(f"{source}: {name} is {value!r:.80}, expected {_in_words(hints[name])}")
    return dict(values)


def _is_a(value: Any, hint: Any) -> bool:
    """Tells whether a value of JSON is of an annotated kind; annotations that are none of JSON's hold for all."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_is_a(value, each) for each in inner)
    if origin is not None and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(_is_a(each, inner[1]) for each in value.values())
    if origin is not None and issubclass(origin, Sequence):
        return isinstance(value, list | tuple) and all(_is_a(each, inner[0]) for each in value)
    if hint in (int, float):
        return isinstance(value, int if hint is int else int | float) and not isinstance(value, bool)
    return isinstance(value, hint) if hint in _WORDS else True


def _in_words(hint: Any) -> str:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(_in_words, inner))
    if origin is not None and issubclass(origin, Mapping):
        return f"an object with {_in_words(inner[1])} by name"
    if origin is not None and issubclass(origin, Sequence):
        return f"a list of which each is {_in_words(inner[0])}"
    return _WORDS.get(hint, "another value")
