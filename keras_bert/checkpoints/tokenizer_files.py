"""Hugging Face's tokenizer files: the vocabulary and how its text is normalized."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_bert.checkpoints.tokenizer_json import check_switches, check_tokenizer_json
from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.foreign_files import read_json
from keras_bert.text.added_tokens import AddedToken, read_added_tokens
from keras_bert.text.byte_pair.byte_pair_files import (
    MERGES_FILE,
    VOCABULARY_FILE,
    in_order,
    load_byte_vocabulary,
    load_merges,
    save_byte_pairs,
)
from keras_bert.text.vocabulary import load_vocabulary, save_vocabulary

if TYPE_CHECKING:
    from keras_bert.text.token_layer import TokenLayer

# Tokenizers of transformers that are BERT's own under other names. The last two are what generic tools write.
_SAME_AS_BERT = (
    "BertTokenizer",
    "DistilBertTokenizer",
    "ElectraTokenizer",
    "MobileBertTokenizer",
    "PreTrainedTokenizer",
    "TokenizersBackend",
)
# What transformers calls a tokenizer of which tokenizer.json says everything.
_GENERIC = ("PreTrainedTokenizer", "TokenizersBackend")
_ADDED_FIELDS = tuple(field.name for field in dataclasses.fields(AddedToken))
_SPECIAL_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}


SETTINGS = ("lowercase", "strip_accents", "special_tokens_in_text", "added_tokens")
"""What a tokenizer is, beside its vocabulary and rules; see `TokenLayer.settings`."""


@dataclasses.dataclass
class TokenizerFiles:
    """What the files say of a tokenizer.

    Attributes:
        vocabulary: The tokens in the order of their ids, None if there are none.
        lowercase: Whether text is lower-cased.
        strip_accents: Whether accents are stripped; None means as `lowercase`.
        special_tokens_in_text: Whether special tokens written in a text become their ids.
        added_tokens: Fields of the tokens that are found in a text as they are written.
        notes: What had to be decided, one sentence each.
        merges: The rules of a byte-level BPE; None for WordPiece.
    """

    vocabulary: list[str] | None
    lowercase: bool
    strip_accents: bool | None
    notes: list[str]
    merges: list[str] | None = None
    special_tokens_in_text: bool = False
    added_tokens: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings, as `TokenLayer.settings` has them."""
        return {name: getattr(self, name) for name in SETTINGS}


def read_tokenizer_files(folder: Path, pad_vocabulary: bool = False) -> TokenizerFiles:
    """Reads `tokenizer_config.json`, `vocab.txt` or `tokenizer.json`, and `added_tokens.json`.

    A byte-level BPE has `vocab.json` and `merges.txt`, or a `tokenizer.json` that says so.

    `tokenizer_config.json` rules; what it leaves open is taken from `tokenizer.json`, then from the defaults
    of transformers, with a note.

    Args:
        folder: Holds the files.
        pad_vocabulary: Name ids that no token has, between those of others, `[unused_1]`, `[unused_2]`, ...

    Raises:
        InputError: A file is damaged or asks for a tokenizer that this package has not, or ids have gaps that are
            not to be named.
    """
    notes: list[str] = []
    config = read_json(folder / "tokenizer_config.json") or {}
    fast = read_json(folder / "tokenizer.json") or {}
    check_tokenizer_json(fast, folder / "tokenizer.json")
    byte_pairs = _has_byte_pairs(folder, fast)
    _check_config(config, folder / "tokenizer_config.json", _GENERIC if byte_pairs else _SAME_AS_BERT)
    more: dict[str, Any] = {
        "special_tokens_in_text": config.get("special_tokens_in_text") is True,
        "added_tokens": _added_tokens(folder, config, fast),
    }
    if byte_pairs:
        files = dataclasses.replace(_byte_pair_files(folder, config, fast, pad_vocabulary), **more)
        assert files.vocabulary is not None
        whole = _with_added_tokens(files.vocabulary, folder, config, fast, pad_vocabulary)
        return dataclasses.replace(files, vocabulary=whole)
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
    own = _vocabulary(folder, fast, notes, pad_vocabulary)
    vocabulary = None if own is None else _with_added_tokens(own, folder, config, fast, pad_vocabulary)
    return TokenizerFiles(vocabulary, bool(lowercase), strip_accents, notes, **more)


def write_tokenizer_files(
    folder: Path,
    vocabulary: list[str],
    settings: Mapping[str, Any],
    merges: list[str] | None = None,
    max_length: int | None = None,
) -> None:
    """Writes the files of a tokenizer into a folder that exists, as transformers reads them.

    WordPiece: `vocab.txt`, `tokenizer_config.json`. Byte-level BPE: `vocab.json`, `merges.txt`, `tokenizer.json`,
    which transformers goes by, and `tokenizer_config.json`.

    Args:
        folder: Where to write.
        vocabulary: The tokens in the order of their ids.
        settings: As `TokenLayer.settings` has them; what is not there is as by default.
        merges: The rules of a byte-level BPE; None for WordPiece.
        max_length: The longest input in tokens, where a model says so.
    """
    lowercase, strip_accents = settings["lowercase"], settings.get("strip_accents")
    config: dict[str, Any] = {
        "tokenizer_class": "BertTokenizer" if merges is None else "PreTrainedTokenizerFast",
        "do_lower_case": lowercase,
        "strip_accents": strip_accents,
    }
    if merges is None:
        save_vocabulary(vocabulary, folder / "vocab.txt")
        config["tokenize_chinese_chars"] = True
    else:
        save_byte_pairs(vocabulary, merges, folder, lowercase, strip_accents, settings.get("added_tokens") or ())
        config["add_prefix_space"] = False
    if settings.get("special_tokens_in_text"):
        config["special_tokens_in_text"] = True  # our own field: transformers takes them for what they name anyway
    if settings.get("added_tokens"):
        ids = {token: index for index, token in enumerate(vocabulary)}
        config["added_tokens_decoder"] = {
            str(ids[token["content"]]): {**token, "normalized": AddedToken(**token).in_normalized_text}
            for token in settings["added_tokens"]
        }
    if max_length is not None:
        config["model_max_length"] = max_length
    text = to_json({**config, **_SPECIAL_TOKENS}, indent=2) + "\n"
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")


def make_tokenizer(vocabulary: list[str], merges: list[str] | None, settings: Mapping[str, Any]) -> "TokenLayer":
    """Builds a `BytePairTokenizer` if there are rules, a `BertTokenizer` if there are none.

    Args:
        vocabulary: The tokens in the order of their ids.
        merges: The rules of a byte-level BPE; None for WordPiece.
        settings: As `TokenLayer.settings` has them; what is not there is as by default.
    """
    if merges is None:
        from keras_bert.text.word_piece.tokenizer import BertTokenizer

        return BertTokenizer(vocabulary, **settings)
    from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer

    return BytePairTokenizer(vocabulary, merges, **settings)


def open_tokenizer(path: str | Path, lowercase: bool | None = None, pad_vocabulary: bool = False) -> "TokenLayer":
    """Opens a tokenizer: a `vocab.txt`, or a folder with a tokenizer's files, with or without a model beside them.

    Args:
        path: The file or folder.
        lowercase: Whether text is lower-cased, in place of what the folder says; True for a file unless given.
        pad_vocabulary: See `read_tokenizer_files`.

    Returns:
        A `BertTokenizer` or a `BytePairTokenizer`.

    Raises:
        InputError: There is none, its files are damaged, or they ask for another kind.

    Example:
        >>> from keras_bert.checkpoints import resolve
        >>> open_tokenizer(resolve("minilm"))(["good bread"]).to_list()
        [[2204, 7852]]
    """
    folder = Path(path)
    if not folder.is_dir():
        return make_tokenizer(load_vocabulary(folder), None, {"lowercase": lowercase is not False})
    files = read_tokenizer_files(folder, pad_vocabulary)
    vocabulary = files.vocabulary
    if vocabulary is None:
        raise InputError(f"{path}: no tokenizer there; expected vocab.txt, or vocab.json with merges.txt")
    if lowercase is not None:
        files = dataclasses.replace(files, lowercase=lowercase, strip_accents=None)
    return make_tokenizer(vocabulary, files.merges, files.settings)


def _has_byte_pairs(folder: Path, fast: dict[str, Any]) -> bool:
    """Tells a byte-level BPE by its files; a `vocab.txt` is WordPiece."""
    if (folder / "vocab.txt").is_file():
        return False
    if (folder / MERGES_FILE).is_file() and (folder / VOCABULARY_FILE).is_file():
        return True
    kinds = [part.get("type") for part in (fast.get("model") or {}, fast.get("pre_tokenizer") or {})]
    return kinds == ["BPE", "ByteLevel"]


def _byte_pair_files(folder: Path, config: dict[str, Any], fast: dict[str, Any], fill_gaps: bool) -> TokenizerFiles:
    path = folder / "tokenizer.json"
    normalizer: dict[str, Any] = {}
    if fast:
        pre_tokenizer = fast.get("pre_tokenizer") or {}
        if pre_tokenizer.get("type") != "ByteLevel" or not pre_tokenizer.get("use_regex", True):
            raise InputError(f"{path}: its words are not those of GPT-2's pattern (ByteLevel), as keras_bert cuts them")
        if pre_tokenizer.get("add_prefix_space", True):
            raise InputError(f"{path}: add_prefix_space is true; keras_bert has False only")
        normalizer = fast.get("normalizer") or {"lowercase": False, "strip_accents": False}
        if "type" in normalizer and (
            normalizer["type"] != "BertNormalizer" or normalizer.get("handle_chinese_chars", True)
        ):
            raise InputError(
                f"{path}: the normalizer is {normalizer['type']}; keras_bert has none, or BertNormalizer without "
                "handle_chinese_chars, before byte-level BPE"
            )
    elif config.get("add_prefix_space"):
        raise InputError(
            f"{folder / 'tokenizer_config.json'}: add_prefix_space is true; keras_bert puts no blank there"
        )
    lowercase = bool(config.get("do_lower_case", normalizer.get("lowercase", False)))
    strip_accents = config.get("strip_accents", normalizer.get("strip_accents"))
    if (folder / MERGES_FILE).is_file():
        vocabulary = load_byte_vocabulary(folder / VOCABULARY_FILE, fill_gaps)
        merges = load_merges(folder / MERGES_FILE)
    else:
        model = fast["model"]
        vocabulary = in_order(model.get("vocab") or {}, 0, str(path), fill_gaps)
        merges = [rule if isinstance(rule, str) else " ".join(rule) for rule in model.get("merges") or ()]
    return TokenizerFiles(vocabulary, lowercase, strip_accents, [], merges)


def _added_tokens(folder: Path, config: dict[str, Any], fast: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the fields of added tokens in the order of their ids; of BERT's own only what is unusual.

    They stand in `tokenizer_config.json` (`added_tokens_decoder`), in `tokenizer.json`, or, without their settings, in
    `added_tokens.json`.
    """
    more = read_json(folder / "added_tokens.json") or {}
    try:
        listed = {int(index): fields for index, fields in (config.get("added_tokens_decoder") or {}).items()}
        listed = listed or {fields["id"]: fields for fields in fast.get("added_tokens") or ()}
        for content, index in more.items():
            if content not in {*_SPECIAL_TOKENS.values(), *(fields["content"] for fields in listed.values())}:
                listed.setdefault(index, {"content": content})
        tokens = [
            {name: fields[name] for name in _ADDED_FIELDS if name in fields} for _, fields in sorted(listed.items())
        ]
        contents = {token["content"]: 0 for token in tokens}
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InputError(f"{folder}: its added tokens: expected ids and tokens with their content") from None
    return [dataclasses.asdict(token) for token in read_added_tokens(tokens, contents)]


def _check_config(config: dict[str, Any], path: Path, names: tuple[str, ...]) -> None:
    name = str(config.get("tokenizer_class") or names[0]).removesuffix("Fast")
    if name not in names:
        raise InputError(f"{path}: tokenizer_class is {name}; keras_bert has BERT's tokenizer only")
    check_switches(config, ("do_lower_case", "strip_accents"), path)
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


def _vocabulary(folder: Path, fast: dict[str, Any], notes: list[str], fill_gaps: bool) -> list[str] | None:
    path = folder / "vocab.txt"
    if path.is_file():
        return load_vocabulary(path)
    if fast:
        return in_order((fast.get("model") or {}).get("vocab") or {}, 0, str(folder / "tokenizer.json"), fill_gaps)
    notes.append("neither vocab.txt nor tokenizer.json beside the weights, so no tokenizer")
    return None


def _with_added_tokens(
    vocabulary: list[str], folder: Path, config: dict[str, Any], fast: dict[str, Any], fill_gaps: bool
) -> list[str]:
    """Gives a vocabulary the added tokens that it lacks, at its end."""
    added = {
        **{fields.get("content"): int(index) for index, fields in (config.get("added_tokens_decoder") or {}).items()},
        **{token["content"]: token["id"] for token in fast.get("added_tokens") or ()},
        **(read_json(folder / "added_tokens.json") or {}),
    }
    known = {token: index for index, token in enumerate(vocabulary)}
    for token, index in added.items():
        if known.get(token, index) != index:
            raise InputError(
                f"{folder}: the added token {token!r:.80} has id {index}, but {known[token]} in the vocabulary"
            )
    more = {token: index for token, index in added.items() if token not in known}
    return vocabulary + in_order(more, len(vocabulary), f"{folder}: added tokens", fill_gaps, vocabulary)
