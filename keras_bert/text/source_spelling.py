"""Words of a written text as its source spells them, where an uncased vocabulary has lost the spelling."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_bert.text.alignment import cut_into_pieces, word_spans
from keras_bert.text.word_piece.tokenizer import BertTokenizer

_ENDS_SENTENCE = (".", "!", "?", "。", "！", "？")


class _Words(NamedTuple):
    """Words of some texts: which text each is of, its bytes there, its pieces joined, and whether these tell it."""

    row: tf.Tensor
    starts: tf.Tensor
    ends: tf.Tensor
    normalized: tf.Tensor
    is_known: tf.Tensor


def source_spelling(tokenizer: BertTokenizer, text: Any, source: Any, source_of: Any) -> tf.Tensor:
    """Gives each word of a text the spelling of the first word of its source that the tokenizer takes for the same.

    The first word of a sentence tells nothing if all that it has beside is a capital first letter: `The` may be `the`
    elsewhere.

    Args:
        tokenizer: The tokenizer of both.
        text: string (texts,).
        source: string (sources,).
        source_of: int32 or int64 (texts,), the source of each text.

    Returns:
        string (texts,).

    Example:
        >>> vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "nato", "of", "ob", "##ama"]
        >>> tokenizer = BertTokenizer(vocabulary)
        >>> source_spelling(tokenizer, ["the nato of obama"], ["The NATO of Obama"], [0]).numpy().tolist()
        [b'the NATO of Obama']
    """
    text, source = tf.convert_to_tensor(text), tf.convert_to_tensor(source)
    ours, theirs = _words(tokenizer, text), _words(tokenizer, source)
    spelled = tf.strings.substr(tf.gather(source, theirs.row), theirs.starts, theirs.ends - theirs.starts)
    is_capital = tf.strings.regex_full_match(spelled, r"\p{Lu}[^\p{Lu}]*")
    is_capital &= tf.strings.lower(spelled, encoding="utf-8") == theirs.normalized
    tells = theirs.is_known & ~(is_capital & _begins_sentence(theirs))
    names, spelled = tf.boolean_mask(_names(theirs.row, theirs.normalized), tells), tf.boolean_mask(spelled, tells)
    hashes = tf.strings.to_hash_bucket_fast(names, 2**62)
    order = tf.argsort(hashes, stable=True)
    wanted = _names(tf.gather(tf.cast(source_of, tf.int64), ours.row), ours.normalized)
    place = tf.searchsorted(tf.gather(hashes, order), tf.strings.to_hash_bucket_fast(wanted, 2**62))
    # One more than there are, which is no word, so that every place is one.
    at = tf.gather(tf.concat([order, [tf.size(order)]], 0), place)
    is_same = (tf.gather(tf.concat([names, [""]], 0), at) == wanted) & ours.is_known
    own = tf.strings.substr(tf.gather(text, ours.row), ours.starts, ours.ends - ours.starts)
    return _with_words(text, ours, tf.where(is_same, tf.gather(tf.concat([spelled, [""]], 0), at), own))


def _words(tokenizer: BertTokenizer, text: tf.Tensor) -> _Words:
    pieces = cut_into_pieces(tokenizer, text)
    _, row, starts, ends = word_spans(pieces)
    ids = tf.boolean_mask(pieces.ids.values, pieces.in_word)
    word = tf.boolean_mask(tf.cumsum(tf.cast(pieces.begins_word, tf.int64)) - 1, pieces.in_word)
    entries = [entry.removeprefix("##") for entry in tokenizer.get_vocabulary()]
    texts = tf.gather(np.array([entry.encode() for entry in entries], object), ids)
    count = tf.size(row)
    is_unknown = tf.cast(ids == tokenizer.unk_token_id, tf.int32)
    unknown = tf.math.unsorted_segment_sum(is_unknown, word, count)
    return _Words(row, starts, ends, tf.strings.unsorted_segment_join(texts, word, count), unknown == 0)


def _names(row: tf.Tensor, normalized: tf.Tensor) -> tf.Tensor:
    """One string for a source and a word."""
    return tf.strings.join([tf.strings.as_string(row), normalized], " ")


def _begins_sentence(words: _Words) -> tf.Tensor:
    before = tf.concat([[""], words.normalized], 0)[:-1]
    is_first = words.row != tf.concat([[-1], tf.cast(words.row, tf.int64)], 0)[:-1]
    return is_first | tf.reduce_any(before[:, None] == tf.constant(_ENDS_SENTENCE), axis=1)


def _with_words(text: tf.Tensor, words: _Words, spelled: tf.Tensor) -> tf.Tensor:
    """Puts words in the places of others."""
    rows = tf.size(text, tf.int64)
    before = tf.concat([tf.zeros([1], tf.int64), words.ends], 0)[:-1]
    is_first = words.row != tf.concat([[-1], words.row], 0)[:-1]
    before = tf.where(is_first, tf.zeros_like(before), before)
    gaps = tf.strings.substr(tf.gather(text, words.row), before, words.starts - before)
    joined = tf.strings.unsorted_segment_join(tf.strings.join([gaps, spelled]), words.row, rows)
    last = tf.maximum(tf.math.unsorted_segment_max(words.ends, words.row, rows), 0)
    length = tf.cast(tf.strings.length(text), tf.int64)
    return tf.strings.join([joined, tf.strings.substr(text, last, length - last)])
