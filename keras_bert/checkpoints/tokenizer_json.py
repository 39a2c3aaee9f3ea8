"""Whether a `tokenizer.json` has the form that its readers take for granted; what it says is judged elsewhere."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_bert.errors import InputError


def check_tokenizer_json(fields: Mapping[str, Any], path: Path) -> None:
    """Checks the form of the parts of a `tokenizer.json` that are read.

    Raises:
        InputError: A part is no object, a switch is neither true nor false, or a list holds something else.
    """
    for name in ("model", "normalizer", "pre_tokenizer"):
        part = fields.get(name)
        if part is not None and not isinstance(part, dict):
            raise _odd(path, name, part, "an object")
    check_switches(fields.get("normalizer") or {}, ("lowercase", "strip_accents"), path)
    model = fields.get("model") or {}
    if not isinstance(model.get("vocab") or {}, dict):
        raise _odd(path, "vocab", model["vocab"], "an object of tokens and their ids")
    merges = model.get("merges") or []
    if not isinstance(merges, list) or not all(isinstance(rule, str) or _is_pair(rule) for rule in merges):
        raise _odd(path, "merges", merges, "a list of pairs")
    added = fields.get("added_tokens") or []
    if not isinstance(added, list) or not all(
        isinstance(token, dict) and isinstance(token.get("content"), str) and type(token.get("id")) is int
        for token in added
    ):
        raise _odd(path, "added_tokens", added, "a list of objects with content and id")


def check_switches(fields: Mapping[str, Any], names: Sequence[str], path: Path) -> None:
    """Checks that fields are true, false, null or not there.

    Raises:
        InputError: Names the first that is something else.
    """
    for name in names:
        if not isinstance(fields.get(name), bool | None):
            raise _odd(path, name, fields[name], "true, false or null")


def _is_pair(rule: Any) -> bool:
    return isinstance(rule, list) and len(rule) == 2 and all(isinstance(part, str) for part in rule)


def _odd(path: Path, name: str, value: Any, expected: str) -> InputError:
    return InputError(f"{path}: {name} is {value!r:.80}, expected {expected}")
