"""`BytePairTokenizer`: text to byte-level BPE ids and back, in the TensorFlow graph, with Hugging Face's ids."""

from collections.abc import Sequence
from os import PathLike, fspath
from typing import Any

import keras
import tensorflow as tf
import tensorflow_text as tf_text

from keras_bert.errors import InputError
from keras_bert.graph import graph_function
from keras_bert.text import normalizer_model
from keras_bert.text.added_tokens import Segments, spans_of
from keras_bert.text.byte_pair.byte_pair_files import load_byte_vocabulary, load_merges
from keras_bert.text.byte_pair.byte_pairs import BytePairs
from keras_bert.text.byte_pair.byte_words import byte_characters, split_byte_words
from keras_bert.text.normalized_spans import original_spans
from keras_bert.text.ragged_rows import row_ids
from keras_bert.text.token_layer import TokenLayer, as_strings
from keras_bert.text.vocabulary import SPECIAL_TOKENS, check_vocabulary

_BYTES = {character: byte for byte, character in enumerate(byte_characters())}


@keras.saving.register_keras_serializable(package="keras_bert")
class BytePairTokenizer(TokenLayer):
    """Splits text into the ids of a byte-level BPE, for new models; the interface is that of `BertTokenizer`.

    The ids are those of the `tokenizers` library's `ByteLevelBPETokenizer`, computed by graph ops: in `tf.data`, in a
    functional model with string inputs, in a SavedModel. Any text can be written, so there is no [UNK], and without
    normalization `detokenize` gives it back byte for byte. The special tokens are BERT's, so that everything that
    works with a `BertTokenizer` works with this one. Special tokens in the text are plain text, unless
    `special_tokens_in_text` is set.

    Args:
        vocabulary: the entries in the order of their ids, written as in `vocab.json` (a blank is `Ġ`), special tokens
            among them; or the path of a `vocab.json`.
        merges: the rules in their order, two entries with a blank between, or the path of a `merges.txt`. Both lists
            go into the layer's config, so a `.keras` file needs no other file.
        lowercase: normalize the text as uncased BERT does: lower-case, no control characters, all white space a blank.
        strip_accents: drop accents (NFD without the marks); None means as `lowercase`. With both False the text is
            taken as it is.
        special_tokens_in_text: `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]` and `[MASK]` written in the text become their ids.
            Only for text that you trust: with it, a text can end its own segment.
        added_tokens: entries of the vocabulary that are found in a text as they are written, before it is cut into
            words: strings such as `<user>`, `AddedToken`s, or their fields as `tokenizer.json` has them. Those of
            BERT's own special tokens count with `special_tokens_in_text`.
        **kwargs: of `keras.layers.Layer`.

    Call arguments:
        text: string (batch,), a list of strings, or a scalar; any bytes, UTF-8 or not.

    Returns:
        int32 RaggedTensor (batch, (tokens)); int32 (tokens,) for a scalar.

    Raises:
        InputError: the files cannot be read, an entry is missing, or a rule is broken.

    Example:
        >>> entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *byte_characters(), "he", "Ġhe"]
        >>> tokenizer = BytePairTokenizer(entries, ["h e", "Ġ he"])
        >>> [tokenizer.id_to_token(i) for i in tokenizer("he, he").numpy()]
        ['he', ',', 'Ġhe']
        >>> tokenizer.detokenize(tokenizer(["héhé 中!"])).numpy()[0].decode()
        'héhé 中!'

    References:
        https://arxiv.org/abs/1508.07909 (BPE),
        https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf (of bytes)
    """

    def __init__(
        self,
        vocabulary: Sequence[str] | str | PathLike,
        merges: Sequence[str] | str | PathLike,
        lowercase: bool = False,
        strip_accents: bool | None = None,
        special_tokens_in_text: bool = False,
        added_tokens: Sequence[Any] = (),
        **kwargs: Any,
    ):
        named = isinstance(vocabulary, str | PathLike)
        entries = load_byte_vocabulary(vocabulary) if isinstance(vocabulary, str | PathLike) else vocabulary
        rules = load_merges(merges) if isinstance(merges, str | PathLike) else list(merges)
        tokens = check_vocabulary(entries, fspath(vocabulary) if named else "vocabulary", longest=None)  # type: ignore[arg-type]
        super().__init__(tokens, lowercase, strip_accents, special_tokens_in_text, added_tokens, **kwargs)
        made = {merge.replace(" ", "") for merge in rules} & set(SPECIAL_TOKENS)
        if made:
            raise InputError(f"merges: a rule makes {min(made)}, which text must not become")
        self._merges = tuple(rules)
        self._byte_pairs = BytePairs(tokens, rules)
        self._normalizer = None
        strip = lowercase if strip_accents is None else strip_accents
        if lowercase or strip:
            with tf.init_scope(), tf.device("CPU:0"):
                model = tf.constant(normalizer_model.load(lowercase, strip))
                self._normalizer = tf_text.FastBertNormalizer(model_buffer=model)
        self._finders = self._make_finders(self._normalizer.normalize if self._normalizer else None, False)
        # Dozens of small ops, some in a loop: much faster as a graph, also for who calls the layer eagerly.
        strings = [tf.TensorSpec([None], tf.string)]
        self._graphs = _Graphs(
            graph_function(self._ids, input_signature=strings), graph_function(self._spans, input_signature=strings)
        )
        self.build(None)  # there are no variables

    def tokenize(self, text: Any) -> tf.RaggedTensor:
        """Tokenizes text; see the class for arguments and result."""
        text = as_strings(text)
        if text.shape.rank == 0:
            return self.tokenize(text[tf.newaxis]).values
        if isinstance(text, tf.RaggedTensor):
            return text.with_values(self.tokenize(text.values))
        if text.shape.rank != 1:
            raise InputError(f"text has shape {text.shape}; it must be a string or strings (batch,)")
        return self._graphs.ids(text)

    def tokenize_with_offsets(self, text: Any) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
        """Tokenizes text and says where each token stands.

        Offsets are bytes of the original string. A token may be a part of a character: without normalization
        `text[start:end]` is exactly the bytes of the token; with it, whole characters (see `BertTokenizer`).

        Args:
            text: string (batch,), a list of strings, or a scalar.

        Returns:
            ids, starts, ends: int32, int64, int64 RaggedTensors (batch, (tokens)); for a scalar tensors (tokens,).
        """
        text = as_strings(text)
        if text.shape.rank == 0:
            ids, starts, ends = self.tokenize_with_offsets(text[tf.newaxis])
            return ids.values, starts.values, ends.values
        if text.shape.rank != 1 or isinstance(text, tf.RaggedTensor):
            raise InputError(f"tokenize_with_offsets takes a string or strings (batch,), not {text.shape}")
        return self._graphs.spans(text)

    def detokenize(self, ids: Any, skip_special_tokens: bool = True) -> tf.Tensor:
        """Joins tokens to text: the bytes that they stand for.

        Args:
            ids: int (batch, tokens), RaggedTensor (batch, (tokens)), or (tokens,); lists too.
            skip_special_tokens: leave out `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]`, `[MASK]`.

        Returns:
            string (batch,), or a scalar for (tokens,). Where the ids begin or end inside a character, it is not UTF-8.
        """
        return self.join_texts(ids, skip_special_tokens)

    def text_of(self, token: str) -> bytes:
        """Gives the bytes of a token; special and added tokens, and entries in other characters, are as they are."""
        written = token in SPECIAL_TOKENS or any(token == added.content for added in self.added_tokens)
        if written or not _BYTES.keys() >= set(token):
            return token.encode()
        return bytes(_BYTES[character] for character in token)

    def get_merges(self) -> list[str]:
        """Gives the rules in their order."""
        return list(self._merges)

    def get_config(self) -> dict[str, Any]:
        """Gives the constructor's arguments, vocabulary and rules as lists."""
        return {**super().get_config(), "merges": self.get_merges()}

    def _ids(self, text: tf.Tensor) -> tf.RaggedTensor:
        segments = self._finders.written(text)
        parts = self._finders.normalized(
            self._normalizer.normalize(segments.texts) if self._normalizer else segments.texts
        )
        words, rows, _ = split_byte_words(parts.texts)
        pieces = self._byte_pairs.encode(words)
        ids = _by_row(pieces.values, tf.gather(rows, row_ids(pieces.row_splits)), parts)
        return segments.merge(parts.merge(ids, parts.token), segments.token)

    def _spans(self, text: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
        segments = self._finders.written(text)
        normalized, offsets = segments.texts, None
        if self._normalizer:
            normalized, offsets = self._normalizer.normalize_with_offsets(segments.texts)
        parts = self._finders.normalized(normalized)
        words, word_rows, word_starts = split_byte_words(parts.texts)
        pieces = self._byte_pairs.encode(words)
        word = row_ids(pieces.row_splits)
        lengths = tf.gather(tf.constant([len(self.text_of(token)) for token in self._entries.tokens], tf.int64), pieces)
        places = tf.cumsum(lengths.values)  # in all words together
        before = tf.gather(tf.concat([[0], places], 0), pieces.row_starts())
        ends = places - tf.gather(before - word_starts, word)
        ids = _by_row(pieces.values, tf.gather(word_rows, word), parts)
        spans = spans_of(parts, ids.with_values(ends - lengths.values), ids.with_values(ends))
        ids = parts.merge(ids, parts.token)
        if offsets is not None:
            original = original_spans(offsets, row_ids(ids.row_splits), *(span.values for span in spans))
            spans = tuple(ids.with_values(values) for values in original)
        return (segments.merge(ids, segments.token), *spans_of(segments, *spans))


class _Graphs:
    """The functions of a layer. A plain object: Keras would track and save them as parts of the layer."""

    def __init__(self, ids: Any, spans: Any):
        self.ids = ids
        self.spans = spans


def _by_row(values: tf.Tensor, rows: tf.Tensor, parts: Segments) -> tf.RaggedTensor:
    """Makes rows, (parts, (pieces)), of the pieces of all words, (pieces,), and the part that each is of, rising."""
    return tf.RaggedTensor.from_value_rowids(values, rows, tf.size(parts.token, tf.int64), validate=False)
