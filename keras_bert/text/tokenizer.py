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
from keras_bert.text.wordpiece import make_wordpiece, put_stand_ins, stand_in_margins


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
            self._wordpiece = make_wordpiece(tokens, special_tokens_in_text)
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
        if not self.special_tokens_in_text:
            return self._wordpiece.tokenize(self._normalizer.normalize(text))
        ids = self._wordpiece.tokenize(self._normalizer.normalize(put_stand_ins(text)))
        return tf.ragged.map_flat_values(self._known, ids)

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
        prepared = put_stand_ins(text) if self.special_tokens_in_text else text
        normalized, offsets = self._normalizer.normalize_with_offsets(prepared)
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
            before, after = stand_in_margins(self._entries.ids)
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

    def _known(self, ids: tf.Tensor) -> tf.Tensor:
        """Gives a written [UNK] the id of [UNK]."""
        return tf.where(ids < self.vocabulary_size, ids, self.unk_token_id)


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
