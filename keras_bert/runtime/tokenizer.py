"""The ids of texts, by `tokenizers`: those that the exported model was trained with."""

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_bert.errors import InputError
from keras_bert.runtime.text import Text, text_of

# Characters that are words by themselves in the graph, and letters to `tokenizers`, whose tables of punctuation are of
# Unicode 8 and whose ideographs leave out the begin of extension E; see docs/text.md.
_ALONE = (
    "\u061d\u09fd\u0a76\u0c77\u0c84\u1b7d-\u1b7e\u2e43-\u2e4f\u2e52-\u2e54\U00010f55-\U00010f59\U00010f86-\U00010f89"
    "\U0001144b-\U0001144f\U0001145a-\U0001145b\U0001145d\U00011660-\U0001166c\U000116b9\U0001183b"
    "\U00011944-\U00011946\U000119e2\U00011a3f-\U00011a46\U00011a9a-\U00011a9c\U00011a9e-\U00011aa2"
    "\U00011c41-\U00011c45\U00011c70-\U00011c71\U00011ef7-\U00011ef8\U00011fff\U00012ff1-\U00012ff2"
    "\U00016e97-\U00016e9a\U00016fe2\U0001e95e-\U0001e95f\u2e55-\u2e5d\U00010ead\U0002b820-\U0002b91f"
)
_DECOMPOSED = {"\U00011938": "\U00011935\U00011930"}  # of which `tokenizers` does not know, where accents are stripped
_MOST_BYTES = 400  # of a word; a longer one is unknown
_LONG_WORD = re.compile(r"\S{101,}")
_ODD_LETTERS = (*range(0x12000, 0x12399), *range(0x17000, 0x187F8))  # cuneiform and Tangut
_OWN = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_DIVIDER = "\x1f"  # no tokenizer sees it: normalization drops it from a text


class Tokens(NamedTuple):
    """The tokens of a text.

    Attributes:
        ids: int32 (tokens,).
        starts: int64 (tokens,), the first character of each; empty where nobody asked.
        ends: int64 (tokens,), the character behind it, and behind those that normalization drops after it.
    """

    ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


class TextTokenizer:
    """Makes the ids that the graph of keras_bert makes.

    It is the `tokenizer.json` of the folder, with what differs between `tokenizers` and the graph brought into line:
    words may be of 400 bytes (not 100 characters), special tokens that are written in a text are text unless the model
    was made otherwise, bytes that are no UTF-8 make their word unknown, and so on; see docs/formats.md.

    Args:
        path: The `tokenizer.json`.
        settings: The field `tokenizer` of `answering.json`.
        markers: Entries that become their ids where they are written, such as `<e1>`.

    Raises:
        InputError: `tokenizers` is not installed, or the file is damaged.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any], markers: Sequence[str] = ()) -> None:
        try:
            import tokenizers
        except ImportError:
            raise InputError(f"{path}: needs tokenizers; pip install 'bert-for-keras[litert]', or [onnx]") from None
        try:
            fields = json.loads(path.read_bytes())
            vocabulary = fields["model"]["vocab"]
            self._in_line(fields, settings)
            self._tokenizer = tokenizers.Tokenizer.from_str(json.dumps(fields))
            if settings["kind"] == "word_piece":
                self._set_alone_apart(tokenizers)
            self.pad, self.cls, self.sep, self.unknown = (
                int(settings[name]) for name in ("pad", "cls", "sep", "unknown")
            )
            self._marker_ids = {marker: fields["model"]["vocab"][marker] for marker in markers}
        except Exception as error:  # noqa: BLE001 -- `tokenizers` raises no other class
            raise InputError(f"{path}: no tokenizer of an export: {type(error).__name__}: {error}") from None
        self.kind = settings["kind"]
        self._has_added = bool(fields["added_tokens"])
        letters = set("".join(vocabulary))
        self.odd = next(chr(code) for code in _ODD_LETTERS if chr(code) not in letters)
        if self.kind != "word_piece":
            self.odd = "\ufffd"  # a byte-level vocabulary has an id for every byte, and `tokenizers` takes no others
        size = 1 + max(*vocabulary.values(), *(token["id"] for token in fields["added_tokens"]), 0)
        self.goes_on, self._sizes = np.zeros(size, bool), np.zeros(size, np.int32)
        for text, index in vocabulary.items():
            self.goes_on[index] = text.startswith("##") and text != "##"
            self._sizes[index] = len(text.encode()) - 2 * text.startswith("##")

    @staticmethod
    def _in_line(fields: dict[str, Any], settings: Mapping[str, Any]) -> None:
        """Changes the file's fields as the graph has it."""
        fields.update(post_processor=None, truncation=None, padding=None)
        if not settings.get("special_tokens_in_text"):
            fields["added_tokens"] = [token for token in fields["added_tokens"] if token["content"] not in _OWN]
        if settings["kind"] == "word_piece":
            fields["model"]["max_input_chars_per_word"] = _MOST_BYTES
            normalizer = fields["normalizer"]
            strip = normalizer["strip_accents"]
            if normalizer["lowercase"] if strip is None else strip:
                replaced = [
                    {"type": "Replace", "pattern": {"String": text}, "content": parts}
                    for text, parts in _DECOMPOSED.items()
                ]
                fields["normalizer"] = {"type": "Sequence", "normalizers": [*replaced, normalizer]}

    def _set_alone_apart(self, tokenizers: Any) -> None:
        apart = tokenizers.pre_tokenizers.Split(tokenizers.Regex(f"[{_ALONE}]"), "isolated")
        whole = tokenizers.pre_tokenizers.Sequence([self._tokenizer.pre_tokenizer, apart])
        self._tokenizer.pre_tokenizer = whole

    def text(self, given: str | bytes, half_pair: str | None = None) -> Text:
        """Makes a text of what a caller gave, see `text_of`."""
        return text_of(given, self.odd, half_pair)

    def ids(self, given: str | bytes, enough: int | None = None) -> np.ndarray:
        """Returns the ids of a text, int32 (tokens,).

        Args:
            given: The text.
            enough: Of a longer text so many of its first ids will do.
        """
        characters = self.text(given).characters
        if not self._marker_ids:
            for cut in self._prefixes(characters, enough):
                found = self.tokens(cut).ids
                if len(found) >= (enough or 0):
                    break
            return found
        characters = characters.replace(_DIVIDER, "")
        pattern = "|".join(re.escape(marker) for marker in self._marker_ids)
        parts = re.split(f"({pattern})", characters)
        pieces = [
            np.array([self._marker_ids[part]], np.int32) if index % 2 else self.tokens(part).ids
            for index, part in enumerate(parts)
        ]
        return np.concatenate(pieces)

    def _prefixes(self, characters: str, enough: int | None) -> Iterator[str]:
        """Yields a begin of a long text that ends between words, and the text: a book need not be cut into pieces."""
        if enough is not None and len(characters) > 64 * enough and not self._has_added:
            end = characters.find(" ", 16 * enough)
            if 0 < end < len(characters) // 2:
                yield characters[:end]
        yield characters

    def tokens(self, characters: str, places: bool = False) -> Tokens:
        """Tokenizes.

        Args:
            characters: Valid Unicode, see `text`.
            places: Say where the tokens stand as well.
        """
        encoding = self._tokenizer.encode(characters, add_special_tokens=False)
        ids = np.array(encoding.ids, np.int32)
        spans = np.zeros((0, 2), np.int64)
        if places:
            spans = np.array(encoding.offsets, np.int64).reshape(-1, 2)
            spans[:, 1] = self._behind_dropped(characters, spans[:, 1])
        if self.kind == "word_piece" and len(characters.encode()) > _MOST_BYTES and _LONG_WORD.search(characters):
            ids, spans = self._without_long_words(ids, spans, encoding.word_ids)
        return Tokens(ids, spans[:, 0], spans[:, 1])

    def _behind_dropped(self, characters: str, ends: np.ndarray) -> np.ndarray:
        """Moves ends behind the characters that normalization drops, as it does accents and control characters."""
        moved = ends.tolist()
        for index, end in enumerate(moved):
            while end < len(characters) and self._is_dropped(characters[end]):
                end += 1
            moved[index] = end
        return np.array(moved, np.int64)

    @functools.cached_property
    def _is_dropped(self) -> Any:
        normalizer = self._tokenizer.normalizer
        if normalizer is None:
            return lambda character: False
        return functools.lru_cache(1 << 16)(lambda character: not normalizer.normalize_str(character))

    def _without_long_words(
        self, ids: np.ndarray, spans: np.ndarray, word_ids: Sequence[int | None]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Makes one unknown token of each word of more than 400 bytes."""
        words = np.array([-1 if word is None else word for word in word_ids])
        begins = np.flatnonzero(np.diff(words, prepend=-2))
        sizes = np.add.reduceat(self._sizes[ids], begins)
        kept = np.ones(len(ids), bool)
        for begin, end, size in zip(begins, [*begins[1:], len(ids)], sizes, strict=True):
            if size > _MOST_BYTES:
                ids[begin] = self.unknown
                kept[begin + 1 : end] = False
                if len(spans):
                    spans[begin, 1] = spans[end - 1, 1]
        return ids[kept], spans[kept] if len(spans) else spans
