"""Between words and the pieces that a tokenizer makes of them, by their places in the text."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.token_layer import TokenLayer
from keras_bert.text.words import is_blank, stands_alone


class Pieces(NamedTuple):
    """The pieces of some texts, and which of them begin a word.

    Attributes:
        ids: int32 RaggedTensor (texts, (pieces)).
        starts: int64 (pieces,) of all texts together, first byte of each piece in its text.
        ends: int64 (pieces,), the byte behind it.
        begins_word: bool (pieces,).
        in_word: bool (pieces,), False for a piece that is blank.
    """

    ids: tf.RaggedTensor
    starts: tf.Tensor
    ends: tf.Tensor
    begins_word: tf.Tensor
    in_word: tf.Tensor


class Alignment(NamedTuple):
    """Which piece belongs to which of the given words.

    Attributes:
        word: int32 (pieces,), the word, counted through all texts, that the piece begins in; -1 for none.
        is_first: bool (pieces,), the first piece of its word.
        first_piece: int32 (words,), the piece, counted through all texts, that tells the word's label; -1 for a word
            that the tokenizer sees nothing of, or no more than the inside of a piece.
    """

    word: tf.Tensor
    is_first: tf.Tensor
    first_piece: tf.Tensor


def cut_into_pieces(tokenizer: TokenLayer, text: Any) -> Pieces:
    """Cuts texts into pieces, and finds the words that they make up.

    A word is what BERT's own tokenization calls one: what stands between blanks, cut before and after punctuation and
    ideographs. With WordPiece these are the pieces without `##`; byte-level pieces are told apart by their bytes.

    Args:
        tokenizer: The tokenizer.
        text: string (texts,).

    Returns:
        The pieces.

    Example:
        >>> pieces = cut_into_pieces(BertTokenizer(entries), ["The bread!"])  # doctest: +SKIP
        >>> pieces.begins_word.numpy().tolist()  # the, bre, ##ad, !  # doctest: +SKIP
        [True, True, False, True]
    """
    ids, starts, ends = tokenizer.tokenize_with_offsets(text)
    table = _vocabulary_table(tokenizer)
    opens, closes, is_blank_piece, leading, size = (tf.gather(column, ids.values) for column in table)
    # A byte-level piece has the blank before its word in it; where normalization changed it, it stays.
    starts = starts.values + tf.where(ends.values - starts.values == size, leading, 0)
    row_begins = _is_row_begin(ids)
    in_word = is_blank_piece == 0
    behind_closed = tf.concat([[False], closes[:-1] > 0], 0)[: tf.size(closes)]
    return Pieces(ids, starts, ends.values, ((opens > 0) | behind_closed | row_begins) & in_word, in_word)


def align(pieces: Pieces, starts: tf.RaggedTensor, ends: tf.RaggedTensor) -> Alignment:
    """Finds the pieces of given words.

    A piece belongs to the word that it begins in. The label of a word is that of its first piece, if a word of the
    tokenizer's begins there: of the given words `19` and `98` in a text `1998` only the first has a piece of its own.

    Args:
        pieces: The pieces of the texts.
        starts: int64 (texts, (words)), bytes, rising in each text.
        ends: int64 (texts, (words)).

    Returns:
        The alignment.
    """
    words = tf.size(starts.values)
    # One number for text and place, so that one search finds the words of all texts.
    step = tf.reduce_max(tf.concat([ends.values, pieces.ends, [0]], 0)) + 1
    places = pieces.ids.value_rowids() * step + pieces.starts
    begins = starts.value_rowids() * step + starts.values
    # The end of the last word of a text lies before the first of the next: a piece of another text is never inside.
    finishes = starts.value_rowids() * step + ends.values
    found = tf.searchsorted(begins, places, side="right") - 1
    inside = (found >= 0) & (places < tf.gather(tf.concat([finishes, [0]], 0), tf.maximum(found, 0))) & pieces.in_word
    word = tf.where(inside, found, -1)
    numbers = tf.range(tf.size(word))
    first = tf.math.unsorted_segment_min(numbers, tf.where(inside, found, words), words + 1)[:words]
    is_first = inside & (tf.gather(tf.concat([first, [-1]], 0), tf.maximum(found, 0)) == numbers)
    tells = tf.gather(tf.concat([pieces.begins_word, [False]], 0), tf.minimum(first, tf.size(word)))
    return Alignment(word, is_first, tf.where(tells, first, -1))


def word_spans(pieces: Pieces) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Finds the words of raw texts.

    Args:
        pieces: The pieces of the texts.

    Returns:
        For each word of all texts together: `first_piece` int64 (words,), `row` int64 (words,), `starts` and `ends`
        int64 (words,), bytes of its text.
    """
    first_piece = tf.where(pieces.begins_word)[:, 0]
    word = tf.cumsum(tf.cast(pieces.begins_word, tf.int64)) - 1
    inside = tf.boolean_mask(word, pieces.in_word)
    ends = tf.math.segment_max(tf.boolean_mask(pieces.ends, pieces.in_word), inside)
    row = tf.gather(pieces.ids.value_rowids(), first_piece)
    return first_piece, row, tf.gather(pieces.starts, first_piece), ends


def _is_row_begin(ids: tf.RaggedTensor) -> tf.Tensor:
    """Says of each value whether it is the first of its row: bool (values,)."""
    rows = ids.value_rowids()
    return tf.concat([[True], rows[1:] != rows[:-1]], 0)[: tf.size(rows)]


def _vocabulary_table(tokenizer: TokenLayer) -> np.ndarray:
    """Tabulates what each token says of words.

    Returns:
        int64 (5, vocabulary): whether it begins a word; whether the next one does; whether it is blank; the bytes of
        its leading blanks; all its bytes.
    """
    tokens = tokenizer.get_vocabulary()
    if not isinstance(tokenizer, BytePairTokenizer):
        opens = [token == "##" or not token.startswith("##") for token in tokens]
        return np.array([opens, *[[0] * len(tokens)] * 3, [-1] * len(tokens)], np.int64)
    columns = []
    for token in tokens:
        data = tokenizer.text_of(token)
        text = data.decode("utf-8", "ignore")
        rest = text.lstrip()
        begins = rest != text or (rest != "" and stands_alone(rest[0]))
        ends = text != "" and (stands_alone(text[-1]) or is_blank(text[-1]))
        blank = text != "" and rest == ""
        columns.append((begins, ends, blank, 0 if blank else len(text.encode()) - len(rest.encode()), len(data)))
    return np.array(columns, np.int64).T
