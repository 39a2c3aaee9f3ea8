"""The names of a head's outputs: as a file has them, and which output is meant by which name of a caller."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from keras_bert.errors import InputError

# Names that say no more than a number: `LABEL_0` of transformers, `0`, `class 0`.
_NUMBERED = re.compile(r"(?:(?:label|class)[_ -]?)?(\d+)", re.IGNORECASE)


def stored_labels(metadata: Mapping[str, Any], source: str) -> list[str] | None:
    """Reads the names of a head's outputs from `id2label`, or from `label2id` alone.

    Args:
        metadata: Fields of `config.json`.
        source: Where they are from, for messages.

    Returns:
        The names in the order of the outputs; None where there are none.

    Raises:
        InputError: What is there cannot be understood.
    """
    names, numbers = metadata.get("id2label"), metadata.get("label2id")
    if not names and isinstance(numbers, Mapping) and numbers:
        if not all(_number(value) is not None for value in numbers.values()):
            raise InputError(f"{source}: label2id must give each label a number, received: {_shown(numbers)}")
        names = {number: name for name, number in numbers.items()}
    if not names:
        return None
    if isinstance(names, list | tuple):
        names = dict(enumerate(names))
    by_number = {_number(key): str(name) for key, name in names.items()} if isinstance(names, Mapping) else {}
    named = isinstance(names, Mapping) and all(isinstance(name, str | int | float) for name in names.values())
    if not named or set(by_number) != set(range(len(names))):
        raise InputError(
            f"{source}: id2label in config.json must number the labels from 0, as in "
            f'{{"0": "negative", "1": "positive"}}, received: {_shown(names)}'
        )
    return [by_number[index] for index in range(len(by_number))]


def match_labels(own: Sequence[str], wanted: Sequence[str]) -> list[int] | None:
    """Finds the outputs of a head that a caller's labels mean.

    The same names in another order mean the same outputs. Names that only number (`LABEL_0`, `1`), on either side, are
    no names: they mean outputs by their numbers, which may count from 1, and any other names take them in their order.
    Names that differ in capitals alone are the same.

    Args:
        own: The names of the head's outputs.
        wanted: The caller's labels.

    Returns:
        For each label of `wanted` the number of its output; None where the two do not mean the same classes.

    Example:
        >>> match_labels(["neg", "pos"], ["pos", "neg"])
        [1, 0]
        >>> match_labels(["LABEL_0", "LABEL_1"], ["neg", "pos"])
        [0, 1]
        >>> match_labels(["neg", "pos"], ["bad", "good"]) is None
        True
    """
    if len(own) != len(wanted):
        return None
    for first, second in ((list(own), list(wanted)), (_folded(own), _folded(wanted))):
        if len(set(first)) == len(first) and set(first) == set(second):
            return [first.index(name) for name in second]
    own_numbers, numbers = _numbers(own), _numbers(wanted)
    if own_numbers and numbers:
        return [own_numbers.index(number) for number in numbers]
    if own_numbers:
        return list(range(len(own)))
    return numbers


def _numbers(names: Sequence[str]) -> list[int] | None:
    """Returns the numbers that names consist of, counted from 0; None if some name says more."""
    found = [_NUMBERED.fullmatch(name.strip()) for name in names]
    numbers = [int(match[1]) for match in found if match]
    for first in (0, 1):
        if sorted(numbers) == list(range(first, first + len(names))):
            return [number - first for number in numbers]
    return None


def _number(value: Any) -> int | None:
    """Returns the number that a JSON value is, None for one that is none."""
    if isinstance(value, bool):
        return None
    try:
        return int(str(value).strip()) if not isinstance(value, float) else int(value) if value.is_integer() else None
    except ValueError:
        return None


def _folded(names: Sequence[str]) -> list[str]:
    return [name.strip().casefold() for name in names]


def _shown(value: Any) -> str:
    return f"{value!r:.80}"
