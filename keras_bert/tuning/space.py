"""What is tried: for each setting a range of numbers, or a few values."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keras_bert.errors import InputError

Value = float | int | str


@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`, both included.

    Args:
        low: The least.
        high: The largest.
        log: Drawn so that each factor is as likely, as for learning rates.
        whole: Integers alone.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def holds(self, value: Any) -> bool:
        """Tells whether a value is one of these."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and self.low <= value <= self.high and (not self.whole or float(value).is_integer())


@dataclass(frozen=True)
class Choice:
    """A few values: all numbers, or all strings.

    Args:
        values: At least one, each once.
    """

    values: tuple[Value, ...]

    def holds(self, value: Any) -> bool:
        """Tells whether a value is one of these."""
        return value in self.values


Space = Mapping[str, Range | Choice]

_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(:log)?")


def parse_space(text: str) -> dict[str, Range | Choice]:
    """Reads a space: `name=low..high`, `name=low..high:log`, `name=a|b|c`, with commas between.

    A range is one of integers where both ends are written as such.

    Raises:
        InputError: A part is none of these, a range is empty, or a name or a value stands twice.

    Example:
        >>> parse_space("learning_rate=1e-5..1e-4:log,batch_size=16|32,epochs=2..4")
        {'learning_rate': Range(low=1e-05, high=0.0001, log=True, whole=False), 'batch_size': Choice(values=(16, 32)), \
'epochs': Range(low=2, high=4, log=False, whole=True)}
    """
    space: dict[str, Range | Choice] = {}
    for part in text.split(","):
        name, sign, values = (side.strip() for side in part.partition("="))
        if not name or not sign or not values:
            raise InputError(f"{part.strip()!r}: expected NAME=LOW..HIGH, NAME=LOW..HIGH:log or NAME=A|B|C")
        name = name.removeprefix("--")
        if name in space:
            raise InputError(f"{name} stands twice in the space")
        space[name] = _parse_values(name, values)
    return space


def _parse_values(name: str, text: str) -> Range | Choice:
    found = _RANGE.fullmatch(text)
    if found is None:
        if ".." in text:
            raise InputError(f"{name}={text}: expected LOW..HIGH, two numbers, perhaps with :log behind")
        values = tuple(_number_or_text(value.strip()) for value in text.split("|"))
        if "" in values or len(set(values)) < len(values):
            raise InputError(f"{name}={text}: a value is empty or stands twice")
        return Choice(values if all(isinstance(value, int | float) for value in values) else tuple(map(str, values)))
    low, high = (_number_or_text(end) for end in found.group(1, 2))
    assert not isinstance(low, str)
    assert not isinstance(high, str)
    if not low < high or not math.isfinite(high - low):
        raise InputError(f"{name}={text}: the range is empty; the first number must be below the second")
    if found[3] and low <= 0:
        raise InputError(f"{name}={text}: a range with :log begins above 0")
    return Range(low, high, found[3] is not None, isinstance(low, int) and isinstance(high, int))


def _number_or_text(text: str) -> Value:
    if re.fullmatch(r"[-+]?\d+", text):
        return int(text)
    return float(text) if re.fullmatch(_NUMBER, text) else text
