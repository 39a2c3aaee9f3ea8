"""Which tokens begin a word of the text, for answers that shall not cut one."""

from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.masks.phrases import continuations


def begins_word(token_ids: tf.RaggedTensor, tokenizer: Any) -> tf.Tensor:
    """Says which tokens begin a word.

    A WordPiece goes on with a word if it begins with `##`. A token of byte-level BPE goes on if letters, digits or
    bytes over 0x7F stand on both sides of its begin, but for the characters from U+3000 to U+9FFF, of Chinese and
    Japanese, which are words by themselves.

    Args:
        token_ids: int32 (rows, (tokens)), of whole texts.
        tokenizer: The tokenizer that made them.

    Returns:
        bool (tokens,), of all rows together; the first of each row begins one.

    Example:
        >>> from keras_bert.text.word_piece.tokenizer import BertTokenizer
        >>> entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "bread", "##s", "!"]
        >>> tokenizer = BertTokenizer(entries)
        >>> begins_word(tokenizer(["breads!"]), tokenizer).numpy().tolist()
        [True, False, True]
    """
    goes_on, ends = _tables(tokenizer)
    ids = token_ids.values
    ended = tf.concat([[True], tf.gather(tf.constant(ends), ids[:-1])], 0)[: tf.size(ids)]
    begins = ended | ~tf.gather(tf.constant(goes_on), ids)
    rows = token_ids.value_rowids()
    return begins | tf.concat([[True], rows[1:] != rows[:-1]], 0)[: tf.size(ids)]


def _tables(tokenizer: Any) -> tuple[np.ndarray, np.ndarray]:
    """For each entry of the vocabulary whether it can go on with a word, and whether a word ends with it."""
    if not isinstance(tokenizer, BytePairTokenizer):
        goes_on = continuations(tokenizer)
        return goes_on, np.zeros_like(goes_on)
    texts = [tokenizer.text_of(token) or b" " for token in tokenizer.get_vocabulary()]
    first, last = (np.array([text[end] for text in texts]) for end in (0, -1))
    wide = (first >= 0xE3) & (first <= 0xE9)  # the first bytes of U+3000 to U+9FFF
    return continuations(tokenizer) & ~wide, ~np.array([byte > 0x7F or chr(byte).isalnum() for byte in last])
