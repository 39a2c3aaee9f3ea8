"""`BertTokenizer`: text to WordPiece ids and back, in the TensorFlow graph, with the ids Hugging Face gives."""

import functools
from collections.abc import Sequence
from os import PathLike, fspath
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text

from keras_bert.errors import InputError
from keras_bert.text import normalizer_model
from keras_bert.text.vocabulary import (
    CLS_TOKEN,
    MASK_TOKEN,
    PAD_TOKEN,
    SEP_TOKEN,
    SPECIAL_TOKENS,
    UNK_TOKEN,
    check_vocabulary,
    load_vocabulary,
)

MAX_BYTES_PER_WORD = 400
"""A longer word is one [UNK]. Hugging Face's limit is 100 characters, and UTF-8 takes at most 4 bytes for one, so
no word that it splits is lost here; a word of 101 characters or more and up to 400 bytes is split here, and
[UNK] there."""

# In the mode where special tokens in the text count, each is replaced by a noncharacter (U+FDD0 ...) between blanks,
# which takes as many bytes (3 + 2), so that offsets stay; noncharacters in the text itself become another one first.
_STAND_INS = {token: chr(0xFDD0 + i) for i, token in enumerate(SPECIAL_TOKENS)}
_NO_STAND_IN = chr(0xFDD0 + len(SPECIAL_TOKENS))
_RESERVED = frozenset((*_STAND_INS.values(), _NO_STAND_IN))


class _Entries:
    """The vocabulary both ways. A plain object: Keras would wrap and track every entry of a list or dict."""

    def __init__(self, tokens: list[str]):
        self.tokens = tokens
        self.ids = {token: i for i, token in enumerate(tokens)}

    @functools.cached_property
    def texts(self) -> np.ndarray:
        """What each token adds to a text, UTF-8: object (2, vocabulary); special tokens add nothing in row 1."""
        every = [_text_of(token).encode() for token in self.tokens]
        plain = [b"" if token in SPECIAL_TOKENS else text for token, text in zip(self.tokens, every, strict=True)]
        return np.array([every, plain], object)


@keras.saving.register_keras_serializable(package="keras_bert")
class BertTokenizer(keras.layers.Layer):
    """Splits text into the WordPiece ids of BERT.

    The ids are those of Hugging Face's `BertWordPieceTokenizer` (docs/text.md lists the few code points that
    differ), computed by graph ops: in `tf.data`, in a functional model with string inputs, in a SavedModel. Text that
    holds `[SEP]` or another special token is plain text, unless `special_tokens_in_text` is set.

    Args:
        vocabulary: the entries in the order of their ids, or the path of a `vocab.txt`. The entries themselves go
            into the layer's config, so a `.keras` file needs no other file.
        lowercase: lower-case the text, as the uncased vocabularies need it.
        strip_accents: drop accents (NFD without the marks); None means as `lowercase`, which is BERT's rule.
        special_tokens_in_text: `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]` and `[MASK]` written in the text become their ids.
            Only for text that you trust: with it, a text can end its own segment.
        **kwargs: of `keras.layers.Layer`.

    Call arguments:
        text: string (batch,), a list of strings, or a scalar; UTF-8. Bytes that are no UTF-8 make their word [UNK].

    Returns:
        int32 RaggedTensor (batch, (tokens)); int32 (tokens,) for a scalar.

    Raises:
        InputError: the vocabulary cannot be read or lacks something (see `check_vocabulary`).

    Example:
        >>> entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "bre", "##ad", "!"]
        >>> tokenizer = BertTokenizer(entries)
        >>> tokenizer(["The bread!", "Thé"]).to_list()
        [[5, 6, 7, 8], [5]]
        >>> tokenizer.detokenize([[5, 6, 7, 8]]).numpy().tolist()
        [b'the bread!']

    References:
        https://arxiv.org/abs/1810.04805, https://arxiv.org/abs/2012.15524 (the linear WordPiece algorithm)
    """

    pad_token = PAD_TOKEN
    unk_token = UNK_TOKEN
    cls_token = CLS_TOKEN
    sep_token = SEP_TOKEN
    mask_token = MASK_TOKEN

    def __init__(
        self,
        vocabulary: Sequence[str] | str | PathLike,
        lowercase: bool = True,
        strip_accents: bool | None = None,
        special_tokens_in_text: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if isinstance(vocabulary, str | PathLike):
            tokens = load_vocabulary(fspath(vocabulary))
        else:
            tokens = check_vocabulary(vocabulary)
        self.lowercase = lowercase
        self.strip_accents = strip_accents
        self.special_tokens_in_text = special_tokens_in_text
        self.supports_jit = False
        self._entries = _Entries(tokens)
        normalizer = normalizer_model.load(lowercase, lowercase if strip_accents is None else strip_accents)
        # Constants of the ops, not variables: made once, outside any graph, on the device where the ops run.
        with tf.init_scope(), tf.device("CPU:0"):
            self._normalizer = tf_text.FastBertNormalizer(model_buffer=tf.constant(normalizer))
            self._wordpiece = _wordpiece(tokens, special_tokens_in_text)
        self.build(None)  # there are no variables

    def __call__(self, text: Any, **kwargs: Any) -> Any:
        """Tokenizes; see the class. Only symbolic Keras tensors need Keras' own way of calling a layer."""
        if isinstance(text, keras.KerasTensor):
            return super().__call__(text, **kwargs)
        return self.tokenize(text)

    def call(self, text: Any) -> tf.RaggedTensor:
        """Tokenizes; see the class."""
        return self.tokenize(text)

    def tokenize(self, text: Any) -> tf.RaggedTensor:
        """Tokenizes text; see the class for arguments and result."""
        text = as_strings(text)
        if text.shape.rank == 0:
            return self.tokenize(text[tf.newaxis]).values
        ids = self._wordpiece.tokenize(self._normalizer.normalize(self._prepare(text)))
        return tf.ragged.map_flat_values(self._known, ids) if self.special_tokens_in_text else ids

    def tokenize_with_offsets(self, text: Any) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
        """Tokenizes text and says where each token stands.

        Offsets are bytes of the original UTF-8 string, not of its normalized form. A token's span covers whole
        characters of the text, with the accents and control characters that follow and that normalization dropped.
        Pieces of one character that decomposes into several letters (a Hangul syllable) have the same span.

        Args:
            text: string (batch,), a list of strings, or a scalar.

        Returns:
            ids, starts, ends: int32, int64, int64 RaggedTensors (batch, (tokens)); `text[start:end]` is the token.
            For a scalar each is a tensor (tokens,).
        """
        text = as_strings(text)
        if text.shape.rank == 0:
            ids, starts, ends = self.tokenize_with_offsets(text[tf.newaxis])
            return ids.values, starts.values, ends.values
        if text.shape.rank != 1:
            raise InputError(f"tokenize_with_offsets takes a string or strings (batch,), not {text.shape}")
        normalized, offsets = self._normalizer.normalize_with_offsets(self._prepare(text))
        ids, starts, ends = self._wordpiece.tokenize_with_offsets(normalized)
        rows = ids.value_rowids()
        origin = tf.gather(offsets.row_splits, rows)
        # offsets has, for each byte of the normalized text, the place of its character in the text, and one more
        # entry for the end. A token ends where the character after that of its last byte begins; all bytes of what
        # one character became have the same place, so "the next byte" will not do.
        places = offsets.values
        begins = tf.concat([[True], places[1:] != places[:-1]], 0)[: tf.size(places)]
        character = tf.cumsum(tf.cast(begins, tf.int64)) - 1
        character_places = tf.boolean_mask(places, begins)
        start_values = tf.gather(places, origin + tf.cast(starts.values, tf.int64))
        last_byte = origin + tf.cast(ends.values, tf.int64) - 1
        end_values = tf.gather(character_places, tf.gather(character, last_byte) + 1)
        start_values, end_values = tf.cast(start_values, tf.int64), tf.cast(end_values, tf.int64)
        if self.special_tokens_in_text:
            # A stand-in has one blank before it and what is left of the token's bytes after it.
            before, after = self._special_margins()
            start_values -= tf.gather(before, ids.values)
            end_values += tf.gather(after, ids.values)
            ids = ids.with_values(self._known(ids.values))
        return ids, ids.with_values(start_values), ids.with_values(end_values)

    def detokenize(self, ids: Any, skip_special_tokens: bool = True) -> tf.Tensor:
        """Joins tokens to text.

        Pieces that begin with `##` are joined to what stands before, all others follow a blank, except `.`, `,`, `!`
        and `?`: what Hugging Face's WordPiece decoder does. What normalization took away does not come back.

        Args:
            ids: int (batch, tokens), RaggedTensor (batch, (tokens)), or (tokens,); lists too.
            skip_special_tokens: leave out `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]`, `[MASK]`.

        Returns:
            string (batch,), or a scalar for (tokens,).
        """
        if isinstance(ids, list | tuple):
            ids = (
                tf.ragged.constant(ids, tf.int32)
                if ids and isinstance(ids[0], list | tuple)
                else tf.constant(ids, tf.int32)
            )
        table = tf.constant(self._entries.texts[int(skip_special_tokens)])
        joined = tf.strings.reduce_join(tf.ragged.map_flat_values(tf.gather, table, ids), axis=-1)
        return tf.strings.regex_replace(joined, "^ ", "")

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

    def compute_output_spec(self, text: Any) -> keras.KerasTensor:
        """Describes the result for a symbolic string tensor."""
        return keras.KerasTensor((*text.shape, None), dtype="int32", ragged=True)

    def get_config(self) -> dict[str, Any]:
        """Gives the constructor's arguments, the vocabulary as a list."""
        return {
            **super().get_config(),
            "vocabulary": self.get_vocabulary(),
            "lowercase": self.lowercase,
            "strip_accents": self.strip_accents,
            "special_tokens_in_text": self.special_tokens_in_text,
        }

    def _prepare(self, text: Any) -> Any:
        """Puts the stand-ins where special tokens are written, if they count."""
        if not self.special_tokens_in_text:
            return text
        replace = tf.strings.regex_replace
        text = tf.ragged.map_flat_values(replace, text, f"[{''.join(_STAND_INS.values())}]", _NO_STAND_IN)
        for token, stand_in in _STAND_INS.items():
            filler = " " * (len(token) - len(stand_in.encode()) - 1)
            text = tf.ragged.map_flat_values(
                replace, text, token.replace("[", r"\[").replace("]", r"\]"), f" {stand_in}{filler}"
            )
        return text

    def _known(self, ids: tf.Tensor) -> tf.Tensor:
        """Gives a written [UNK] the id of [UNK]."""
        return tf.where(ids < self.vocabulary_size, ids, self.unk_token_id)

    def _special_margins(self) -> tuple[np.ndarray, np.ndarray]:
        """How many blanks stand before and after the stand-in of each id: int64 (vocabulary + 1,) twice."""
        before, after = np.zeros((2, self.vocabulary_size + 1), np.int64)
        for token, stand_in in _STAND_INS.items():
            entry = self.vocabulary_size if token == UNK_TOKEN else self._entries.ids[token]
            before[entry], after[entry] = 1, len(token) - len(stand_in.encode()) - 1
        return before, after


def _wordpiece(tokens: list[str], special_tokens_in_text: bool) -> tf_text.FastWordpieceTokenizer:
    """Makes the op that cuts normalized text, each id the place of its entry."""
    reserved = _RESERVED if special_tokens_in_text else frozenset()
    pieces = [_unreachable(i) if _cannot_occur(token, reserved) else token for i, token in enumerate(tokens)]
    if special_tokens_in_text:
        # [UNK] itself stays the answer to unknown words; the one that is written gets an id behind the vocabulary,
        # since it has other offsets.
        stand_ins = {token: stand_in for token, stand_in in _STAND_INS.items() if token != UNK_TOKEN}
        pieces = [stand_ins.get(token, token) for token in pieces]
        pieces.append(_STAND_INS[UNK_TOKEN])
    try:
        return tf_text.FastWordpieceTokenizer(
            pieces, max_bytes_per_word=MAX_BYTES_PER_WORD, token_out_type=tf.int32, unknown_token=UNK_TOKEN
        )
    except RuntimeError as error:
        raise InputError(f"vocabulary: its {len(tokens)} entries make no WordPiece vocabulary: {error}") from None


def _cannot_occur(token: str, reserved: frozenset[str]) -> bool:
    """Tells whether prepared text never holds the entry: it has white space, a control or a reserved character.

    The op would find some of them all the same, across the blank between two words.
    """
    if token.isprintable() and " " not in token:  # nearly all, and fast
        return False
    return any(
        normalizer_model.is_removed(character) or normalizer_model.is_white_space(character) or character in reserved
        for character in token
    )


def _unreachable(entry: int) -> str:
    """A word that the op never finds, since its punctuation cuts it."""
    return f"[[unreachable {entry}]]"


def _text_of(token: str) -> str:
    """What a token adds to a text, its blank before it included."""
    if token.startswith("##") and token != "##":
        return token[2:]
    return token if token[0] in ".,!?" else f" {token}"


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
