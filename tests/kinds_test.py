"""Settings of JSON are of the kinds that annotations name, or are refused by name."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from keras_bert.errors import InputError
from keras_bert.kinds import check_kinds


class Task:
    def __init__(
        self,
        length: int = 1,
        rate: float = 0.0,
        name: str | None = None,
        frozen: bool = False,
        words: Sequence[str] = (),
        weights: Mapping[str, float] | None = None,
        parts: Sequence[Mapping[str, Any]] = (),
        other: Any = None,
        **more: Any,
    ) -> None: ...


@dataclasses.dataclass
class Settings:
    beams: int = 1
    stop: bool | str = False


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"length": 3, "rate": 1, "name": None, "frozen": True, "words": ["a"], "weights": {"a": 1, "b": 0.5}},
        {"rate": 0.5, "name": "x", "words": [], "weights": None, "parts": [{"a": [1]}], "other": {}, "unknown": 1},
    ],
)
def test_the_right_kinds_pass(values):
    assert check_kinds(Task, values, "file") == values


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"length": 1.0}, "file: length is 1.0, expected a whole number"),
        ({"length": True}, "file: length is True, expected a whole number"),
        ({"length": None}, "file: length is None, expected a whole number"),
        ({"rate": "1"}, "file: rate is '1', expected a number"),
        ({"name": 1}, "file: name is 1, expected a string or null"),
        ({"frozen": 0}, "file: frozen is 0, expected true or false"),
        ({"words": "ab"}, "file: words is 'ab', expected a list of which each is a string"),
        ({"words": ["a", 1]}, r"file: words is \['a', 1\], expected a list of which each is a string"),
        ({"weights": {"a": "b"}}, "file: weights is .*, expected an object with a number by name or null"),
        ({"parts": {}}, "file: parts is {}, expected a list of which each is an object"),
    ],
)
def test_other_kinds_are_named(values, message):
    with pytest.raises(InputError, match=message):
        check_kinds(Task, values, "file")


def test_fields_of_a_dataclass():
    assert check_kinds(Settings, {"beams": 2, "stop": "never"}, "file") == {"beams": 2, "stop": "never"}
    with pytest.raises(InputError, match=r"stop is \[\], expected true or false or a string"):
        check_kinds(Settings, {"stop": []}, "file")
