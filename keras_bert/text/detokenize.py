"""From pieces back to a text that reads as one writes."""

import functools
import unicodedata
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.text.ragged_rows import join_rows, row_ids, select_values
from keras_bert.text.token_layer import TokenLayer
from keras_bert.text.vocabulary import SPECIAL_TOKENS
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from keras_bert.text.words import stands_alone

_CLOSING = frozenset(".,!?;:%)]}…’'-–/")
_OPENING = frozenset("([{$£€#’'-–/")


def detokenize(tokenizer: TokenLayer, ids: tf.RaggedTensor) -> tf.Tensor:
    r"""Joins pieces to texts; special tokens are left out.

    Byte-level pieces are bytes, and give exactly what they stand for. WordPiece has lost where blanks were: words are
    put together with blanks between them, but for none before `.`, `,` and other closing signs, none behind opening
    ones, none around hyphens, slashes and apostrophes, none inside straight double quotes, by turns, and none between
    ideographs and beside the punctuation of Chinese and Japanese.

    Args:
        tokenizer: The tokenizer of the ids.
        ids: int32 (texts, (tokens)).

    Returns:
        string (texts,).

    Example:
        >>> vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "he", "##y", ",", "it", "'", "s", "中"]
        >>> detokenize(BertTokenizer(vocabulary), tf.ragged.constant([[5, 6, 7, 8, 9, 10], [11, 11]])).numpy().tolist()
        [b"hey, it's", b'\xe4\xb8\xad\xe4\xb8\xad']
    """
    if not isinstance(tokenizer, BertTokenizer):
        return tokenizer.join_texts(ids, skip_special_tokens=True)
    tables = _tables(tuple(tokenizer.get_vocabulary()))
    plain = select_values(ids, tf.gather(tables["plain"], ids.values))
    flat, splits = plain.values, plain.row_splits
    is_quote, closes, opens, ideograph = (
        tf.gather(tables[name], flat) for name in ("quote", "closes", "opens", "ideograph")
    )
    # Of the double quotes of a text the first opens, the second closes, and so on.
    count = tf.concat([[0], tf.cumsum(tf.cast(is_quote, tf.int32))], 0)
    row = row_ids(splits)
    number = count[1:] - tf.gather(count, tf.gather(splits, row))
    opens |= is_quote & (number % 2 == 1)
    closes |= is_quote & (number % 2 == 0)

    def before(flags: Any) -> Any:
        return tf.concat([tf.zeros([1], tf.bool), flags], 0)[:-1]

    is_first = tf.range(tf.size(flat, tf.int64)) == tf.gather(splits, row)
    joined = is_first | closes | before(opens) | (ideograph & before(ideograph))
    pieces = tf.gather(tables["text"], flat)
    return join_rows(plain.with_values(tf.where(joined, pieces, tf.strings.join([" ", pieces]))))


@functools.lru_cache(maxsize=8)
def _tables(vocabulary: tuple[str, ...]) -> dict[str, np.ndarray]:
    """What each entry is: its text, and whether it joins what stands before or behind."""
    inner = [entry.startswith("##") and entry != "##" for entry in vocabulary]
    texts = [entry[2:] if is_inner else entry for entry, is_inner in zip(vocabulary, inner, strict=True)]
    wide = np.array([len(text) == 1 and not text.isascii() and stands_alone(text) for text in texts])
    sign = np.array([len(text) == 1 and unicodedata.category(text)[0] == "P" for text in texts])
    # The punctuation of Chinese and Japanese is as wide as an ideograph.
    wide_sign = sign & np.array([len(text) == 1 and unicodedata.east_asian_width(text) in "WF" for text in texts])
    return {
        "plain": np.array([entry not in SPECIAL_TOKENS for entry in vocabulary]),
        "text": np.array([text.encode() for text in texts], object),
        "closes": np.array(inner) | np.array([text in _CLOSING for text in texts]) | wide_sign,
        "opens": np.array([text in _OPENING for text in texts]) | wide_sign,
        "ideograph": wide & ~sign,
        "quote": np.array([text == '"' for text in texts]),
    }
