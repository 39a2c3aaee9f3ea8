"""Reads and writes the files of a byte-level BPE: `vocab.json`, `merges.txt`, `tokenizer.json`."""

import json
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from keras_bert.errors import InputError
from keras_bert.foreign_files import check_regular, parse_json
from keras_bert.text.added_tokens import AddedToken
from keras_bert.text.vocabulary import CLS_TOKEN, SEP_TOKEN, SPECIAL_TOKENS, spare_entries

VOCABULARY_FILE = "vocab.json"
MERGES_FILE = "merges.txt"
_VERSION = "#version: 0.2"  # the first line of a merges.txt, which GPT-2 began with


MOST_SPARE_IDS = 1 << 20
"""Ids without a token at most: a number that a file names must not fill the memory."""


def in_order(
    ids: Mapping[str, Any], first: int, source: str, fill_gaps: bool = False, known: Sequence[str] = ()
) -> list[str]:
    """Lists tokens by their ids.

    Args:
        ids: the id of each token.
        first: the least id.
        source: what to call it in an error.
        fill_gaps: ids that no token has are named `[unused_1]`, ..., see `spare_entries`.
        known: tokens with lesser ids, whose names are taken.

    Raises:
        InputError: two tokens have one id, one is less than `first`, or there are gaps that are not to be filled.
    """
    if not all(type(number) is int for number in ids.values()):
        raise InputError(f"{source}: expected an object of tokens and their ids, whole numbers")
    by_id = {number: token for token, number in ids.items()}
    if len(by_id) < len(ids) or min(by_id, default=first) < first:
        raise InputError(f"{source}: the token ids must count on from {first}, each with one token")
    end = max(by_id, default=first - 1) + 1
    gaps = end - first - len(by_id)
    if gaps and not fill_gaps:
        missing = next(number for number in range(first, end) if number not in by_id)
        raise InputError(
            f"{source}: the token ids must count on from {first} without a gap, and no token has the id {missing}; if "
            "such rows of the word table are spare, have them called [unused_N]: pad_vocabulary=True, --pad_vocabulary "
            "of the programs"
        )
    if gaps > MOST_SPARE_IDS:
        raise InputError(f"{source}: {gaps:,} ids below {end - 1:,} have no token; it is no vocabulary")
    spare = iter(spare_entries({*known, *ids}, gaps))
    return [by_id[number] if number in by_id else next(spare) for number in range(first, end)]


def load_byte_vocabulary(path: str | PathLike, fill_gaps: bool = False) -> list[str]:
    """Reads a `vocab.json`.

    Args:
        path: the file.
        fill_gaps: see `in_order`.

    Returns:
        The entries in the order of their ids, written in the characters of `byte_characters`.

    Raises:
        InputError: the file is missing or holds something else.
    """
    ids = parse_json(_read(path), path)
    if not isinstance(ids, dict):
        raise InputError(f"{path}: expected an object of tokens and their ids, found {type(ids).__name__}")
    return in_order(ids, 0, str(path), fill_gaps)


def load_merges(path: str | PathLike) -> list[str]:
    """Reads a `merges.txt`: one rule a line, two entries with a blank between; a first line `#version` is no rule.

    Raises:
        InputError: the file is missing or not UTF-8.
    """
    lines = [line.removesuffix("\r") for line in _read(path).split("\n")]
    if lines[0].startswith("#version"):
        del lines[0]
    if lines and not lines[-1]:
        lines.pop()
    return lines


def save_byte_pairs(
    vocabulary: Sequence[str],
    merges: Sequence[str],
    folder: str | PathLike,
    lowercase: bool = False,
    strip_accents: bool | None = None,
    added_tokens: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Writes `vocab.json`, `merges.txt` and `tokenizer.json` into a folder that exists.

    Args:
        vocabulary: the entries in the order of their ids.
        merges: the rules in their order.
        folder: where to write.
        lowercase: what `tokenizer.json` says of the normalization.
        strip_accents: likewise; None means as `lowercase`.
        added_tokens: likewise, of the tokens that are found in a text as they are written; fields of `AddedToken`.
    """
    ids = {token: index for index, token in enumerate(vocabulary)}
    _write_json(Path(folder) / VOCABULARY_FILE, ids, indent=None)
    lines = "".join(f"{line}\n" for line in (_VERSION, *merges))
    (Path(folder) / MERGES_FILE).write_bytes(lines.encode())
    fields = tokenizer_fields(ids, merges, lowercase, lowercase if strip_accents is None else strip_accents)
    fields["added_tokens"] += [
        {"id": ids[token["content"]], **token, "normalized": AddedToken(**token).in_normalized_text}
        for token in added_tokens
        if token["content"] not in SPECIAL_TOKENS
    ]
    _write_json(Path(folder) / "tokenizer.json", fields, indent=1)


def tokenizer_fields(
    ids: Mapping[str, int], merges: Sequence[str], lowercase: bool, strip_accents: bool
) -> dict[str, Any]:
    """Gives the fields of a `tokenizer.json`, so that the `tokenizers` library makes the same inputs of a text.

    References:
        https://huggingface.co/docs/tokenizers/api/tokenizer (`Tokenizer.from_file`)
    """
    special = [{"id": ids[token], "content": token, **_SPECIAL} for token in SPECIAL_TOKENS]
    normalizer = {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": False,
        "strip_accents": strip_accents,
        "lowercase": lowercase,
    }
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": True}
    first, second = ({"Sequence": {"id": name, "type_id": number}} for number, name in enumerate("AB"))
    start, end, last = (
        {"SpecialToken": {"id": token, "type_id": number}}
        for token, number in ((CLS_TOKEN, 0), (SEP_TOKEN, 0), (SEP_TOKEN, 1))
    )
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": normalizer if lowercase or strip_accents else None,
        "pre_tokenizer": byte_level,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [start, first, end],
            "pair": [start, first, end, second, last],
            "special_tokens": {
                token: {"id": token, "ids": [ids[token]], "tokens": [token]} for token in (CLS_TOKEN, SEP_TOKEN)
            },
        },
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": dict(ids),
            "merges": [merge.split(" ") for merge in merges],
        },
    }


_SPECIAL = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}


def _read(path: str | PathLike) -> str:
    try:
        check_regular(Path(path))
        return Path(path).read_bytes().decode()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte {error.start + 1})") from None


def _write_json(path: Path, fields: Mapping[str, Any], indent: int | None) -> None:
    path.write_bytes((json.dumps(fields, ensure_ascii=False, indent=indent) + "\n").encode())
