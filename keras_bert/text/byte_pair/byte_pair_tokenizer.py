"""`BytePairTokenizer`: text to byte-level BPE ids and back, in the TensorFlow graph, with Hugging Face's ids."""

from collections.abc import Sequence
from os import PathLike, fspath
from typing import Any

import keras
import tensorflow as tf
import tensorflow_text as tf_text

from keras_bert.errors import InputError
from keras_bert.text import normalizer_model
from keras_bert.text.byte_pair.byte_pair_files import load_byte_vocabulary, load_merges
from keras_bert.text.byte_pair.byte_pairs import BytePairs
from keras_bert.text.byte_pair.byte_words import byte_characters, split_at, split_byte_words
from keras_bert.text.normalized_spans import original_spans
from keras_bert.text.token_layer import TokenLayer, as_strings
from keras_bert.text.vocabulary import SPECIAL_TOKENS, check_vocabulary

_SPECIAL_PATTERN = "|".join(token.replace("[", r"\[").replace("]", r"\]") for token in SPECIAL_TOKENS)
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
        **kwargs: Any,
    ):
        named = isinstance(vocabulary, str | PathLike)
        entries = load_byte_vocabulary(vocabulary) if isinstance(vocabulary, str | PathLike) else vocabulary
        rules = load_merges(merges) if isinstance(merges, str | PathLike) else list(merges)
        tokens = check_vocabulary(entries, fspath(vocabulary) if named else "vocabulary", longest=None)  # type: ignore[arg-type]
        super().__init__(tokens, lowercase, strip_accents, special_tokens_in_text, **kwargs)
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
        # Dozens of small ops, some in a loop: much faster as a graph, also for who calls the layer eagerly.
        strings = [tf.TensorSpec([None], tf.string)]
        self._graphs = _Graphs(
            tf.function(self._ids, input_signature=strings), tf.function(self._spans, input_signature=strings)
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

    @staticmethod
    def text_of(token: str) -> bytes:
        """Gives the bytes of a token; entries in other characters, the special tokens, are taken as they are."""
        if token in SPECIAL_TOKENS or not _BYTES.keys() >= set(token):
            return token.encode()
        return bytes(_BYTES[character] for character in token)

    def get_merges(self) -> list[str]:
        """Gives the rules in their order."""
        return list(self._merges)

    def get_config(self) -> dict[str, Any]:
        """Gives the constructor's arguments, vocabulary and rules as lists."""
        return {
            **super().get_config(),
            "vocabulary": self.get_vocabulary(),
            "merges": self.get_merges(),
            "lowercase": self.lowercase,
            "strip_accents": self.strip_accents,
            "special_tokens_in_text": self.special_tokens_in_text,
        }

    def _ids(self, text: tf.Tensor) -> tf.RaggedTensor:
        segments, special, splits, _ = self._segments(text)
        words, rows, _ = split_byte_words(self._normalizer.normalize(segments) if self._normalizer else segments)
        pieces = self._byte_pairs.encode(words)
        return _by_row(pieces.values, tf.gather(rows, pieces.value_rowids()), special, splits)

    def _spans(self, text: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
        segments, special, splits, begins = self._segments(text)
        normalized, offsets = segments, None
        if self._normalizer:
            normalized, offsets = self._normalizer.normalize_with_offsets(segments)
        words, word_rows, word_starts = split_byte_words(normalized)
        pieces = self._byte_pairs.encode(words)
        rows = tf.gather(word_rows, pieces.value_rowids())
        lengths = tf.gather(tf.constant([len(self.text_of(token)) for token in self._entries.tokens], tf.int64), pieces)
        places = tf.cumsum(lengths.values)  # in all words together
        before = tf.gather(tf.concat([[0], places], 0), pieces.row_starts())
        ends = places - tf.gather(before - word_starts, pieces.value_rowids())
        starts = ends - lengths.values
        if offsets is not None:
            starts, ends = original_spans(offsets, rows, starts, ends)
        base = tf.gather(begins, rows)
        special_starts = tf.where(special >= 0, begins, -1)
        widths = tf.gather(
            tf.constant([len(token) for token in self._entries.tokens], tf.int64), tf.maximum(special, 0)
        )
        special_ends = tf.where(special >= 0, begins + widths, -1)
        return (
            _by_row(pieces.values, rows, special, splits),
            _by_row(base + starts, rows, special_starts, splits),
            _by_row(base + ends, rows, special_ends, splits),
        )

    def _segments(self, text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """Takes special tokens out of the text.

        Args:
            text: string (batch,).

        Returns:
            segments, special, splits, begins: string (segments,), empty for a special token; int32 (segments,), the id
            of a special token or -1; int64 (batch + 1,), where each text begins among the segments; int64 (segments,),
            the first byte of each in its text.
        """
        batch = tf.size(text, tf.int64)
        if not self.special_tokens_in_text:
            none = tf.fill([batch], tf.constant(-1, tf.int32))
            return text, none, tf.range(batch + 1), tf.zeros([batch], tf.int64)
        parts = split_at(text, _SPECIAL_PATTERN)
        special = tf.fill([tf.size(parts.texts)], tf.constant(-1, tf.int32))
        for token in SPECIAL_TOKENS:
            special = tf.where(parts.texts == token, self._entries.ids[token], special)
        return tf.where(special >= 0, "", parts.texts), special, parts.row_splits, parts.starts


class _Graphs:
    """The functions of a layer. A plain object: Keras would track and save them as parts of the layer."""

    def __init__(self, ids: Any, spans: Any):
        self.ids = ids
        self.spans = spans


def _by_row(values: tf.Tensor, segments: tf.Tensor, special: tf.Tensor, splits: tf.Tensor) -> tf.RaggedTensor:
    """Puts values and the special tokens between them into the rows of the batch.

    Args:
        values: (pieces,).
        segments: int64 (pieces,), the segment of each, rising.
        special: (segments,), the value of a special token, or -1 for a segment of pieces.
        splits: int64 (batch + 1,), where each row begins among the segments.
    """
    count = tf.size(special, tf.int64)
    pieces = tf.RaggedTensor.from_value_rowids(values, segments, count, validate=False)
    tokens = tf.RaggedTensor.from_row_lengths(
        tf.boolean_mask(special, special >= 0), tf.cast(special >= 0, tf.int64), validate=False
    )
    both = tf.concat([pieces, tokens], 1)
    return tf.RaggedTensor.from_row_splits(both.values, tf.gather(both.row_splits, splits), validate=False)
