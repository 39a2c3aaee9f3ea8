"""`BertTokenizer`: text to WordPiece ids and back, in the TensorFlow graph, with the ids Hugging Face gives."""

from collections.abc import Sequence
from os import PathLike, fspath
from typing import Any

import keras
import tensorflow as tf
import tensorflow_text as tf_text

from keras_bert.errors import InputError
from keras_bert.text import normalizer_model
from keras_bert.text.normalized_spans import original_spans
from keras_bert.text.token_layer import TokenLayer, as_strings
from keras_bert.text.vocabulary import check_vocabulary, load_vocabulary
from keras_bert.text.word_piece.wordpiece import make_wordpiece, put_stand_ins, stand_in_margins


@keras.saving.register_keras_serializable(package="keras_bert")
class BertTokenizer(TokenLayer):
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

    def __init__(
        self,
        vocabulary: Sequence[str] | str | PathLike,
        lowercase: bool = True,
        strip_accents: bool | None = None,
        special_tokens_in_text: bool = False,
        **kwargs: Any,
    ):
        if isinstance(vocabulary, str | PathLike):
            tokens = load_vocabulary(fspath(vocabulary))
        else:
            tokens = check_vocabulary(vocabulary)
        super().__init__(tokens, lowercase, strip_accents, special_tokens_in_text, **kwargs)
        normalizer = normalizer_model.load(lowercase, lowercase if strip_accents is None else strip_accents)
        # Constants of the ops, not variables: made once, outside any graph, on the device where the ops run.
        with tf.init_scope(), tf.device("CPU:0"):
            self._normalizer = tf_text.FastBertNormalizer(model_buffer=tf.constant(normalizer))
            self._wordpiece = make_wordpiece(tokens, special_tokens_in_text)
        self.build(None)  # there are no variables

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
        start_values, end_values = original_spans(offsets, ids.value_rowids(), starts.values, ends.values)
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
        return tf.strings.regex_replace(self.join_texts(ids, skip_special_tokens), "^ ", "")

    @staticmethod
    def text_of(token: str) -> bytes:
        """Gives what a token adds to a text, its blank before it included."""
        if token.startswith("##") and token != "##":
            return token[2:].encode()
        return (token if token[0] in ".,!?" else f" {token}").encode()

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
