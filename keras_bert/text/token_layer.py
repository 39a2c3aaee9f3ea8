"""What every tokenizer of the package is: a layer from strings to ids, with a vocabulary and BERT's special tokens."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from keras_bert.arguments import CALL_ARGUMENTS, LAYER_ARGUMENTS, check_arguments, refuse_unknown
from keras_bert.errors import InputError
from keras_bert.preset_hook import open_part
from keras_bert.text.added_tokens import AddedToken, finder, read_added_tokens, special_in_text
from keras_bert.text.ragged_rows import join_rows
from keras_bert.text.vocabulary import CLS_TOKEN, MASK_TOKEN, PAD_TOKEN, SEP_TOKEN, SPECIAL_TOKENS, UNK_TOKEN


class _Entries:
    """The vocabulary both ways. A plain object: Keras would wrap and track every entry of a list or dict."""

    def __init__(self, tokens: list[str], text_of: Callable[[str], bytes], silent: frozenset[str]):
        self.tokens = tokens
        self.ids = {token: i for i, token in enumerate(tokens)}
        self._text_of = text_of
        self._silent = silent

    @functools.cached_property
    def texts(self) -> np.ndarray:
        """What each token adds to a text, UTF-8: object (2, vocabulary); special tokens add nothing in row 1."""
        every = [self._text_of(token) for token in self.tokens]
        plain = [b"" if token in self._silent else text for token, text in zip(self.tokens, every, strict=True)]
        return np.array([every, plain], object)


class _Finders:
    """What finds added tokens in texts as written, and in normalized ones. A plain object, which Keras does not track.

    Args:
        tokens: those that count.
        ids: the vocabulary.
        normalize: from strings to normalized ones; None where texts are taken as they are.
        ideographs_apart: in normalized text ideographs are words by themselves.
    """

    def __init__(
        self, tokens: Sequence[AddedToken], ids: Mapping[str, int], normalize: Callable | None, ideographs_apart: bool
    ):
        late = [token for token in tokens if token.in_normalized_text]
        self.any = bool(tokens)
        self.written = finder([token for token in tokens if token not in late], ids)
        self.normalized = finder(late, ids, normalize, ideographs_apart)


class TokenLayer(keras.layers.Layer):
    """Base of `BertTokenizer` and `BytePairTokenizer`; these have the documentation.

    Args:
        tokens: the checked vocabulary.
        lowercase: lower-case the text.
        strip_accents: drop accents; None means as `lowercase`.
        special_tokens_in_text: special tokens written in the text become their ids.
        added_tokens: entries that are found in the text as they are written.
        **kwargs: of `keras.layers.Layer`.
    """

    pad_token = PAD_TOKEN
    unk_token = UNK_TOKEN
    cls_token = CLS_TOKEN
    sep_token = SEP_TOKEN
    mask_token = MASK_TOKEN

    def __init__(
        self,
        tokens: list[str],
        lowercase: bool,
        strip_accents: bool | None,
        special_tokens_in_text: bool,
        added_tokens: Sequence[Any],
        **kwargs: Any,
    ):
        check_arguments(type(self), kwargs, LAYER_ARGUMENTS)
        super().__init__(**kwargs)
        self.lowercase = lowercase
        self.strip_accents = strip_accents
        self.special_tokens_in_text = special_tokens_in_text
        self.supports_jit = False
        self.added_tokens = read_added_tokens(added_tokens, {token: i for i, token in enumerate(tokens)})
        special = {token.content for token in self.added_tokens if token.special}
        self._entries = _Entries(tokens, self.text_of, frozenset({*special, *SPECIAL_TOKENS}))

    def _make_finders(self, normalize: Callable | None, ideographs_apart: bool) -> _Finders:
        """Makes what finds the added tokens that count in texts."""
        tokens = special_in_text(self.added_tokens, self.special_tokens_in_text)
        return _Finders(tokens, self._entries.ids, normalize, ideographs_apart)

    @classmethod
    def from_preset(cls, handle: Any, lowercase: bool | None = None, *, pad_vocabulary: bool = False) -> Self:
        """Opens the tokenizer of a checkpoint of any known format; of its other files, no weights are fetched.

        Args:
            handle: A folder with or without a model, a `vocab.txt`, `hf://org/name`, `kaggle://...`, `minilm`, or an
                opened `Checkpoint`; see `keras_bert.checkpoints.resolve`.
            lowercase: Whether text is lower-cased, in place of what the files say.
            pad_vocabulary: See `keras_bert.checkpoints.open_checkpoint`.

        Raises:
            InputError: There is none, or it is of another kind than this class.

        Example:
            >>> BertTokenizer.from_preset("minilm")(["a gripping film"])  # doctest: +SKIP
        """
        tokenizer = open_part("tokenizer", handle, lowercase=lowercase, pad_vocabulary=pad_vocabulary)
        if not isinstance(tokenizer, cls):
            found = type(tokenizer).__name__
            raise InputError(f"{handle}: its tokenizer is a {found}, not a {cls.__name__}; use {found}.from_preset")
        return tokenizer

    def __call__(self, text: Any, **kwargs: Any) -> Any:
        """Tokenizes; see the class. Only symbolic Keras tensors need Keras' own way of calling a layer."""
        refuse_unknown(f"a call of {type(self).__name__}", kwargs, ("text", *CALL_ARGUMENTS))
        if isinstance(text, keras.KerasTensor):
            return super().__call__(text, **kwargs)
        return self.tokenize(text)

    def call(self, text: Any) -> tf.RaggedTensor:
        """Tokenizes; see the class."""
        return self.tokenize(text)

    def tokenize(self, text: Any) -> tf.RaggedTensor:
        """Tokenizes text; see the class for arguments and result."""
        raise NotImplementedError

    def text_of(self, token: str) -> bytes:
        """Gives what a token adds to a text, in UTF-8."""
        raise NotImplementedError

    def join_texts(self, ids: Any, skip_special_tokens: bool) -> tf.Tensor:
        """Puts together what the tokens add to a text: int ids (batch, tokens) or (tokens,), ragged or a list."""
        if isinstance(ids, list | tuple):
            ids = (
                tf.ragged.constant(ids, tf.int32)
                if ids and isinstance(ids[0], list | tuple)
                else tf.constant(ids, tf.int32)
            )
        table = tf.constant(self._entries.texts[int(skip_special_tokens)])
        texts = tf.ragged.map_flat_values(tf.gather, table, ids)
        return join_rows(texts) if isinstance(texts, tf.RaggedTensor) else tf.strings.reduce_join(texts, axis=-1)

    def token_to_id(self, token: str) -> int:
        """Gives the id of a vocabulary entry.

        Raises:
            InputError: the vocabulary has no such entry.
        """
        if token not in self._entries.ids:
            raise InputError(f"{token!r} is no entry of the vocabulary")
        return self._entries.ids[token]

    def id_to_token(self, id: int) -> str:
        """Gives the vocabulary entry of an id.

        Raises:
            InputError: the id is outside the vocabulary.
        """
        if not 0 <= id < len(self._entries.tokens):
            raise InputError(f"id {id} is outside the vocabulary of {len(self._entries.tokens)} entries")
        return self._entries.tokens[id]

    def get_vocabulary(self) -> list[str]:
        """Gives the entries in the order of their ids."""
        return list(self._entries.tokens)

    @property
    def vocabulary_size(self) -> int:
        """How many entries the vocabulary has."""
        return len(self._entries.tokens)

    @property
    def pad_token_id(self) -> int:
        """Id of `[PAD]`."""
        return self._entries.ids[PAD_TOKEN]

    @property
    def unk_token_id(self) -> int:
        """Id of `[UNK]`."""
        return self._entries.ids[UNK_TOKEN]

    @property
    def cls_token_id(self) -> int:
        """Id of `[CLS]`."""
        return self._entries.ids[CLS_TOKEN]

    @property
    def sep_token_id(self) -> int:
        """Id of `[SEP]`."""
        return self._entries.ids[SEP_TOKEN]

    @property
    def mask_token_id(self) -> int:
        """Id of `[MASK]`."""
        return self._entries.ids[MASK_TOKEN]

    @property
    def settings(self) -> dict[str, Any]:
        """All but the vocabulary and the rules, as JSON has it: what is saved, opened and fingerprinted.

        With the vocabulary (and the merges) these are the constructor's arguments.
        """
        return {
            "lowercase": self.lowercase,
            "strip_accents": self.strip_accents,
            "special_tokens_in_text": self.special_tokens_in_text,
            "added_tokens": [dataclasses.asdict(token) for token in self.added_tokens],
        }

    def get_merges(self) -> list[str] | None:
        """Gives the rules of a byte-level BPE in their order; None for WordPiece."""
        return None

    def fingerprint(self) -> str:
        """Gives a SHA-256 of all that the ids of a text depend on: the kind, vocabulary, rules and settings."""
        strip = self.lowercase if self.strip_accents is None else self.strip_accents
        settings = {**self.settings, "strip_accents": strip}
        parts = [type(self).__name__, self.get_vocabulary(), self.get_merges(), settings]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def get_config(self) -> dict[str, Any]:
        """Gives the constructor's arguments, the vocabulary as a list."""
        return {**super().get_config(), "vocabulary": self.get_vocabulary(), **self.settings}

    def compute_output_spec(self, text: Any) -> keras.KerasTensor:
        """Describes the result for a symbolic string tensor."""
        return keras.KerasTensor((*text.shape, None), dtype="int32", ragged=True)


def as_strings(text: Any) -> tf.Tensor | tf.RaggedTensor:
    """Makes a string tensor of what a caller gives."""
    if not isinstance(text, tf.RaggedTensor):
        try:
            text = tf.convert_to_tensor(text, tf.string)
        except (TypeError, ValueError) as error:
            raise InputError(f"text must be a string, strings in a list, or a string tensor: {error}") from None
    if text.dtype != tf.string:
        raise InputError(f"text must be of dtype string, not {text.dtype.name}")
    return text
