"""Between words and the pieces that a tokenizer makes of them, by their places in the text."""

from typing import Any, NamedTuple

import tensorflow as tf

from keras_bert.text.ragged_rows import row_ids
from keras_bert.text.token_layer import TokenLayer
from keras_bert.text.word_begins import word_places


class Pieces(NamedTuple):
    """The pieces of some texts, and which of them begin a word.

    Attributes:
        ids: int32 RaggedTensor (texts, (pieces)).
        starts: int64 (pieces,) of all texts together, first byte of each piece in its text, or of the word that begins
            in it.
        ends: int64 (pieces,), the byte behind what it has of its word.
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

    What a word is: see `word_places`.

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
    places = word_places(tokenizer, text, ids, starts.values, ends.values)
    return Pieces(ids, places.starts, places.ends, places.begins, places.in_word)


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
    places = row_ids(pieces.ids.row_splits) * step + pieces.starts
    text_of_word = row_ids(starts.row_splits)
    begins = text_of_word * step + starts.values
    # The end of the last word of a text lies before the first of the next: a piece of another text is never inside.
    finishes = text_of_word * step + ends.values
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
    row = tf.gather(row_ids(pieces.ids.row_splits), first_piece)
    return first_piece, row, tf.gather(pieces.starts, first_piece), ends
