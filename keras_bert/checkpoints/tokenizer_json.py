"""A `tokenizer.json`: whether it has the form that its readers take for granted, and that of WordPiece written."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.text.added_tokens import AddedToken
from keras_bert.text.vocabulary import CLS_TOKEN, SEP_TOKEN, SPECIAL_TOKENS, UNK_TOKEN


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


def write_tokenizer_json(folder: Path, vocabulary: Sequence[str], settings: Mapping[str, Any]) -> None:
    """Writes the `tokenizer.json` of a WordPiece vocabulary, by which `tokenizers` and transformers.js go.

    Args:
        folder: Where to write.
        vocabulary: The tokens in the order of their ids.
        settings: As `TokenLayer.settings` has them.

    References:
        https://huggingface.co/docs/tokenizers/api/tokenizer (`Tokenizer.from_file`)
    """
    ids = {token: index for index, token in enumerate(vocabulary)}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    added: dict[str, dict[str, Any]] = {
        token: {"id": ids[token], "content": token, **flags} for token in SPECIAL_TOKENS
    }
    for token in settings.get("added_tokens") or ():
        index, in_text = ids[token["content"]], AddedToken(**token).in_normalized_text
        added[token["content"]] = {"id": index, **token, "normalized": in_text}
    first, second = ({"Sequence": {"id": name, "type_id": number}} for number, name in enumerate("AB"))
    start, end, last = (
        {"SpecialToken": {"id": token, "type_id": number}}
        for token, number in ((CLS_TOKEN, 0), (SEP_TOKEN, 0), (SEP_TOKEN, 1))
    )
    fields = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": sorted(added.values(), key=lambda token: token["id"]),
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": settings.get("strip_accents"),
            "lowercase": settings["lowercase"],
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [start, first, end],
            "pair": [start, first, end, second, last],
            "special_tokens": {
                token: {"id": token, "ids": [ids[token]], "tokens": [token]} for token in (CLS_TOKEN, SEP_TOKEN)
            },
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": UNK_TOKEN,
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": ids,
        },
    }
    (folder / "tokenizer.json").write_text(to_json(fields, indent=1) + "\n", encoding="utf-8")


def _is_pair(rule: Any) -> bool:
    return isinstance(rule, list) and len(rule) == 2 and all(isinstance(part, str) for part in rule)


def _odd(path: Path, name: str, value: Any, expected: str) -> InputError:
    return InputError(f"{path}: {name} is {value!r:.80}, expected {expected}")
