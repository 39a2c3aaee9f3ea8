"""`BertTokenizer`: text to WordPiece ids and back, in the TensorFlow graph, with the ids Hugging Face gives."""

from collections.abc import Sequence
from os import PathLike, fspath
from typing import Any

import keras
import tensorflow as tf
import tensorflow_text as tf_text

from keras_bert.errors import InputError
from keras_bert.text import normalizer_model
from keras_bert.text.added_tokens import beyond_the_model, spans_of
from keras_bert.text.normalized_spans import original_spans
from keras_bert.text.ragged_rows import row_ids
from keras_bert.text.token_layer import TokenLayer, as_strings
from keras_bert.text.vocabulary import check_vocabulary, load_vocabulary
from keras_bert.text.word_piece.wordpiece import make_wordpiece


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
        added_tokens: entries of the vocabulary that are found in a text as they are written, before it is cut into
            words: strings such as `<user>`, `AddedToken`s, or their fields as `tokenizer.json` has them. Those of
            BERT's own special tokens count with `special_tokens_in_text`.
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
        added_tokens: Sequence[Any] = (),
        **kwargs: Any,
    ):
        if isinstance(vocabulary, str | PathLike):
            tokens = load_vocabulary(fspath(vocabulary))
        else:
            tokens = check_vocabulary(vocabulary)
        super().__init__(tokens, lowercase, strip_accents, special_tokens_in_text, added_tokens, **kwargs)
        normalizer = normalizer_model.load(lowercase, lowercase if strip_accents is None else strip_accents)
        # Constants of the ops, not variables: made once, outside any graph, on the device where the ops run.
        with tf.init_scope(), tf.device("CPU:0"):
            self._normalizer = tf_text.FastBertNormalizer(model_buffer=tf.constant(normalizer))
            self._wordpiece = make_wordpiece(tokens, beyond_the_model(self.added_tokens, tokens))
            self._finders = self._make_finders(self._normalizer.normalize, ideographs_apart=True)
        self.build(None)  # there are no variables

    def tokenize(self, text: Any) -> tf.RaggedTensor:
        """Tokenizes text; see the class for arguments and result."""
        text = as_strings(text)
        if text.shape.rank == 0:
            return self.tokenize(text[tf.newaxis]).values
        if not self._finders.any:
            return self._wordpiece.tokenize(self._normalizer.normalize(text))
        if text.shape.rank != 1:
            ragged = isinstance(text, tf.RaggedTensor)
            rows = text if ragged else tf.RaggedTensor.from_tensor(text, ragged_rank=text.shape.rank - 1)
            return rows.with_values(self.tokenize(rows.values))
        segments = self._finders.written(text)
        parts = self._finders.normalized(self._normalizer.normalize(segments.texts))
        ids = parts.merge(self._wordpiece.tokenize(parts.texts), parts.token)
        return segments.merge(ids, segments.token)

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
        if not self._finders.any:
            normalized, offsets = self._normalizer.normalize_with_offsets(text)
            ids, starts, ends = self._wordpiece.tokenize_with_offsets(normalized)
            rows = row_ids(ids.row_splits)
            start_values, end_values = original_spans(offsets, rows, starts.values, ends.values)
            return ids, ids.with_values(start_values), ids.with_values(end_values)
        segments = self._finders.written(text)
        normalized, offsets = self._normalizer.normalize_with_offsets(segments.texts)
        parts = self._finders.normalized(normalized)
        ids, starts, ends = self._wordpiece.tokenize_with_offsets(parts.texts)
        ids = parts.merge(ids, parts.token)
        spans = spans_of(parts, tf.cast(starts, tf.int64), tf.cast(ends, tf.int64))
        places = original_spans(offsets, row_ids(ids.row_splits), *(span.values for span in spans))
        starts, ends = spans_of(segments, *(ids.with_values(values) for values in places))
        return segments.merge(ids, segments.token), starts, ends

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

    def text_of(self, token: str) -> bytes:
        """Gives what a token adds to a text, its blank before it included."""
        if token.startswith("##") and token != "##":
            return token[2:].encode()
        return (token if token[0] in ".,!?" else f" {token}").encode()
