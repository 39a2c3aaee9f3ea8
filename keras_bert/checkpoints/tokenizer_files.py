"""Hugging Face's tokenizer files: the vocabulary and how its text is normalized."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from keras_bert.errors import InputError
from keras_bert.text.vocabulary import load_vocabulary

# Tokenizers of transformers that are BERT's own under other names. The last two are what generic tools write.
_SAME_AS_BERT = (
    "BertTokenizer",
    "DistilBertTokenizer",
    "ElectraTokenizer",
    "MobileBertTokenizer",
    "PreTrainedTokenizer",
    "TokenizersBackend",
)
_SPECIAL_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}


@dataclasses.dataclass
class TokenizerFiles:
    """What the files say of a tokenizer.

    Attributes:
        vocabulary: The tokens in the order of their ids, None if there are none.
        lowercase: Whether text is lower-cased.
        strip_accents: Whether accents are stripped; None means as `lowercase`.
        notes: What had to be decided, one sentence each.
    """

    vocabulary: list[str] | None
    lowercase: bool
    strip_accents: bool | None
    notes: list[str]


def read_tokenizer_files(folder: Path) -> TokenizerFiles:
    """Reads `tokenizer_config.json`, `vocab.txt` or `tokenizer.json`, and `added_tokens.json`.

    `tokenizer_config.json` rules; what it leaves open is taken from `tokenizer.json`, then from the defaults
    of transformers, with a note.

    Raises:
        InputError: A file is damaged, or asks for a tokenizer that BERT's is not.
    """
    notes: list[str] = []
    config = read_json(folder / "tokenizer_config.json") or {}
    _check_config(config, folder / "tokenizer_config.json")
    fast = read_json(folder / "tokenizer.json") or {}
    normalizer = _normalizer(fast, folder / "tokenizer.json")
    lowercase, strip_accents = config.get("do_lower_case"), config.get("strip_accents")
    if lowercase is None and "lowercase" in normalizer:
        lowercase = normalizer["lowercase"]
        notes.append(f"lowercase={lowercase}: tokenizer.json says so and tokenizer_config.json nothing")
    elif lowercase is None:
        lowercase = True
        notes.append("lowercase=True: nothing says otherwise and it is the default of transformers")
    elif normalizer.get("lowercase", lowercase) != lowercase:
        notes.append(f"lowercase={lowercase}: tokenizer_config.json says so, against {not lowercase} in tokenizer.json")
    if "strip_accents" not in config:
        strip_accents = normalizer.get("strip_accents")
    return TokenizerFiles(_vocabulary(folder, fast, notes), bool(lowercase), strip_accents, notes)


def read_json(path: Path) -> dict[str, Any] | None:
    """Reads a JSON object, None where there is no such file.

    Raises:
        InputError: The file holds something else.
    """
    if not path.is_file():
        return None
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not a JSON file ({error})") from None
    if not isinstance(fields, dict):
        raise InputError(f"{path}: expected a JSON object, found {type(fields).__name__}")
    return fields


def _check_config(config: dict[str, Any], path: Path) -> None:
    name = str(config.get("tokenizer_class") or "BertTokenizer").removesuffix("Fast")
    if name not in _SAME_AS_BERT:
        raise InputError(f"{path}: tokenizer_class is {name}; keras_bert has BERT's tokenizer only")
    for field in ("tokenize_chinese_chars", "do_basic_tokenize"):
        if config.get(field, True) is not True:
            raise InputError(
                f"{path}: {field} is {config[field]}; keras_bert's tokenizer has True only, so its ids "
                "would be others than the model was trained with"
            )
    for field, expected in _SPECIAL_TOKENS.items():
        token = config.get(field) or expected
        token = token.get("content") if isinstance(token, dict) else token
        if token != expected:
            raise InputError(f"{path}: {field} is {token!r}, expected {expected!r}")


def _normalizer(fast: dict[str, Any], path: Path) -> dict[str, Any]:
    """Returns the settings of the normalizer in a `tokenizer.json`, empty if there is no such file."""
    if not fast:
        return {}
    model = fast.get("model") or {}
    if model.get("type", "WordPiece") != "WordPiece" or model.get("continuing_subword_prefix", "##") != "##":
        raise InputError(f"{path}: a {model.get('type')} model; expected WordPiece with the prefix '##'")
    normalizer = fast.get("normalizer") or {}
    if normalizer.get("type") != "BertNormalizer":
        raise InputError(f"{path}: the normalizer is {normalizer.get('type')}; keras_bert has BertNormalizer only")
    for field in ("handle_chinese_chars", "clean_text"):
        if normalizer.get(field, True) is not True:
            raise InputError(f"{path}: {field} is {normalizer[field]}; keras_bert's tokenizer has True only")
    return normalizer


def _vocabulary(folder: Path, fast: dict[str, Any], notes: list[str]) -> list[str] | None:
    path = folder / "vocab.txt"
    if path.is_file():
        vocabulary = load_vocabulary(path)
    elif fast:
        path = folder / "tokenizer.json"
        vocabulary = _in_order((fast.get("model") or {}).get("vocab") or {}, 0, path)
    else:
        notes.append("neither vocab.txt nor tokenizer.json beside the weights, so no tokenizer")
        return None
    added = read_json(folder / "added_tokens.json") or {
        token["content"]: token["id"] for token in fast.get("added_tokens") or ()
    }
    added = {token: index for token, index in added.items() if token not in set(vocabulary)}
    if added:
        more = _in_order(added, len(vocabulary), folder)
        notes.append(
            f"added tokens ({', '.join(more[:4])}{', ...' if len(more) > 4 else ''}) have their ids, but in text "
            "they are split like any other word"
        )
        vocabulary = vocabulary + more
    return vocabulary


def _in_order(ids: dict[str, int], first: int, path: Path) -> list[str]:
    """Lists tokens by their ids, which must count on from `first` without a gap."""
    tokens = sorted(ids, key=lambda token: ids[token])
    if [ids[token] for token in tokens] != list(range(first, first + len(tokens))):
        raise InputError(f"{path}: the token ids must count on from {first} without a gap")
    return tokens
