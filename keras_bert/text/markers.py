"""Entity markers: `<e1>` and the like in a text become tokens of their own, in the graph."""

import re
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_bert.text.ragged_rows import any_in_rows
from keras_bert.text.token_layer import TokenLayer

START_MARKERS = ("<e1>", "<e2>")
MARKERS = ("<e1>", "</e1>", "<e2>", "</e2>")
"""What stands around the two entities of a relation, as in SemEval-2010 Task 8."""

# A control character, which BERT's normalization drops from a text anyway.
_DIVIDER = "\x1f"


def tokenize_with_markers(tokenizer: TokenLayer, text: Any, markers: Sequence[str] = MARKERS) -> tf.RaggedTensor:
    """Tokenizes text in which some words, written exactly so, are entries of the vocabulary; all else is plain text.

    Args:
        tokenizer: A tokenizer with the markers in its vocabulary.
        text: string (batch,).
        markers: The words.

    Returns:
        int32 RaggedTensor (batch, (tokens)).

    Raises:
        InputError: A marker is no entry of the vocabulary.

    Example:
        >>> from keras_bert.text.word_piece.tokenizer import BertTokenizer
        >>> entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "big", "bread", "<e1>", "</e1>"]
        >>> tokenize_with_markers(BertTokenizer(entries), tf.constant(["big <e1>bread</e1>"]), entries[-2:]).to_list()
        [[5, 7, 6, 8]]
    """
    ids = tf.constant([tokenizer.token_to_id(marker) for marker in markers])
    pattern = "|".join(re.escape(marker) for marker in markers)
    text = tf.strings.regex_replace(text, _DIVIDER, "")
    text = tf.strings.regex_replace(text, f"({pattern})", rf"{_DIVIDER}\1{_DIVIDER}")
    parts = tf.strings.split(text, _DIVIDER)  # ragged (batch, (parts)), each marker a part
    is_one = parts.values[:, None] == tf.constant(list(markers))
    is_marker = tf.reduce_any(is_one, axis=1)
    words = tokenizer.tokenize(tf.where(is_marker, "", parts.values))
    marks = tf.RaggedTensor.from_row_lengths(
        tf.gather(ids, tf.boolean_mask(tf.argmax(is_one, axis=1), is_marker)),
        tf.cast(is_marker, tf.int64),
        validate=False,
    )
    return parts.with_values(tf.concat([words, marks], axis=1)).merge_dims(1, 2)


def has_tokens(token_ids: tf.Tensor | tf.RaggedTensor, wanted: Sequence[int]) -> tf.Tensor:
    """Says of each row whether it holds all of some tokens.

    Args:
        token_ids: int32 (batch, tokens), or ragged (batch, (tokens)).
        wanted: Their ids.

    Returns:
        bool (batch,).
    """
    if not isinstance(token_ids, tf.RaggedTensor):
        return tf.reduce_all([tf.reduce_any(token_ids == token_id, axis=-1) for token_id in wanted], axis=0)
    found = [any_in_rows(token_ids == token_id) for token_id in wanted]
    return tf.reduce_all(tf.stack(found, 1), axis=1)
