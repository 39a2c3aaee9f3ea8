"""Where words begin among the tokens of a text: the one answer that labels, answers and masks go by."""

import functools
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.ragged_rows import row_ids, splits_of
from keras_bert.text.token_layer import TokenLayer
from keras_bert.text.vocabulary import SPECIAL_TOKENS
from keras_bert.text.words import Kind, kind_of

_PAGE = 256  # code points that share an entry of the table's first level
_ASTRAL = 0x34000  # of the code points from here on only tags, selectors and private use are assigned


class WordPlaces(NamedTuple):
    """What the tokens of some texts have to do with words.

    Attributes:
        begins: bool (tokens,), a word begins in the token; it is the word's first.
        in_word: bool (tokens,), False for a token that is of no word: white space.
        starts: int64 (tokens,), the first byte of the word that begins in the token, without the blank before it; of
            another token its own first byte.
        ends: int64 (tokens,), the byte behind what the token has of its word, whole characters. The largest of a
            word's tokens is the word's end.
    """

    begins: tf.Tensor
    in_word: tf.Tensor
    starts: tf.Tensor
    ends: tf.Tensor


def word_places(
    tokenizer: TokenLayer, text: Any, ids: tf.RaggedTensor, starts: tf.Tensor, ends: tf.Tensor
) -> WordPlaces:
    """Finds the words that the tokens of texts make up.

    A word is what BERT's own tokenization calls one: what stands between blanks, cut before and after punctuation and
    ideographs. A WordPiece vocabulary says it itself: the pieces without `##` begin words. A byte-level vocabulary
    does not: there it is told by the characters of the text, of which a token may be a part. Its tokens part symbols
    from letters and digits too, so that `€100` is two words there. Marks, control and format characters are of
    the word before them.

    Args:
        tokenizer: The tokenizer.
        text: string (texts,).
        ids: int32 (texts, (tokens)), its tokens.
        starts: int64 (tokens,), of all texts together, first byte of each token in its text.
        ends: int64 (tokens,), the byte behind it.

    Example:
        >>> from keras_bert.text.word_piece.tokenizer import BertTokenizer
        >>> entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "bread", "##s", "!"]
        >>> tokenizer = BertTokenizer(entries)
        >>> ids, starts, ends = tokenizer.tokenize_with_offsets(["breads!"])
        >>> word_places(tokenizer, ["breads!"], ids, starts.values, ends.values).begins.numpy().tolist()
        [True, False, True]
    """
    rows = row_ids(ids.row_splits)
    if not isinstance(tokenizer, BytePairTokenizer):
        row_begins = tf.concat([[True], rows[1:] != rows[:-1]], 0)[: tf.size(rows)]
        begins = row_begins | ~tf.gather(tf.constant(continuations(tokenizer)), ids.values)
        return WordPlaces(begins, tf.ones_like(begins), starts, ends)
    text = tf.convert_to_tensor(text, tf.string)
    # One string with a blank before each text, so that all places are numbers in one line.
    origin = splits_of(tf.cast(tf.strings.length(text), tf.int64) + 1)[:-1] + 1
    characters = _characters(tf.strings.reduce_join(tf.strings.join([" ", text])))
    base = tf.gather(origin, rows)
    places = _token_places(characters, starts + base, ends + base)

    # What precedes the first word of its text is of none, not of the last word of the text before.
    word = tf.cumsum(tf.cast(places.begins, tf.int32))
    row_of_word = tf.concat([[-1], tf.boolean_mask(rows, places.begins)], 0)
    in_word = places.in_word & (tf.gather(row_of_word, word) == rows)
    word_end = tf.where(in_word, places.ends - base, ends)
    return WordPlaces(places.begins, in_word, places.starts - base, word_end)


def goes_on(tokenizer: TokenLayer, token_ids: tf.Tensor) -> tf.Tensor:
    """Says which tokens go on with the word of the token before, where there are ids and no text.

    Args:
        tokenizer: The tokenizer that made them.
        token_ids: int32 (batch, tokens), special tokens and padding included.

    Returns:
        bool (batch, tokens).
    """
    if not isinstance(tokenizer, BytePairTokenizer):
        return tf.gather(tf.constant(continuations(tokenizer)), token_ids)
    texts, lengths = _texts(tokenizer)
    # Before each row a special token, which is a blank here.
    rows = tf.pad(token_ids, [[0, 0], [1, 0]], constant_values=tokenizer.cls_token_id)
    tokens = tf.reshape(rows, [-1])
    ends = tf.cumsum(tf.gather(tf.constant(lengths), tokens))
    starts = tf.concat([[0], ends[:-1]], 0)[: tf.size(ends)]
    joined = tf.strings.reduce_join(tf.gather(tf.constant(texts), tokens))
    places = _token_places(_characters(joined), starts, ends)
    return tf.reshape(places.in_word & ~places.begins, tf.shape(rows))[:, 1:]


def continuations(tokenizer: TokenLayer) -> np.ndarray:
    """Says which entries of a vocabulary can go on with a word that another has begun: bool (vocabulary,).

    In a WordPiece vocabulary these begin with `##`. Of a byte-level one it is all that do not begin with a blank or
    with a whole character that is a word by itself.

    Args:
        tokenizer: The tokenizer with the vocabulary.
    """
    vocabulary = tokenizer.get_vocabulary()
    if not isinstance(tokenizer, BytePairTokenizer):
        return np.array([token.startswith("##") and token != "##" for token in vocabulary])
    texts = [tokenizer.text_of(token).decode("utf-8", "ignore") for token in vocabulary]
    # An empty text is a part of a character.
    goes_on = np.array([not text or kind_of(text[0]) not in (Kind.BLANK, Kind.ALONE) for text in texts])
    return goes_on & ~np.isin(vocabulary, SPECIAL_TOKENS)


class _Characters(NamedTuple):
    """The characters of a text that matter, by their bytes.

    Attributes:
        begins: int64 (words,), the first byte of each character that begins a word.
        starts: int64 (characters,), the first byte of each character that is of a word.
        ends: int64 (characters,), the byte behind it.
    """

    begins: tf.Tensor
    starts: tf.Tensor
    ends: tf.Tensor


def _characters(text: tf.Tensor) -> _Characters:
    """Finds the words of one text, string scalar, by its characters."""
    codes, starts = tf.strings.unicode_decode_with_offsets(text, "UTF-8")
    ends = tf.concat([starts[1:], tf.cast(tf.strings.length(text), tf.int64)[None]], 0)[: tf.size(starts)]
    pages, page_of = _kind_pages()
    kinds = tf.gather(tf.constant(pages), tf.gather(tf.constant(page_of), codes // _PAGE) * _PAGE + codes % _PAGE)
    # A character that extends another is of the kind of that one, and begins nothing.
    solid = kinds != Kind.EXTENDS
    solid_kinds = tf.concat([[np.uint8(Kind.BLANK)] * 2, tf.boolean_mask(kinds, solid)], 0)
    number = tf.cumsum(tf.cast(solid, tf.int32)) + 1
    own, before = tf.gather(solid_kinds, number), tf.gather(solid_kinds, number - 1)
    begins = solid & ((own == Kind.ALONE) | ((own == Kind.INSIDE) & (before != Kind.INSIDE)))
    inside = own != Kind.BLANK
    return _Characters(tf.boolean_mask(starts, begins), tf.boolean_mask(starts, inside), tf.boolean_mask(ends, inside))


def _token_places(characters: _Characters, starts: tf.Tensor, ends: tf.Tensor) -> WordPlaces:
    """Finds what tokens of one text have to do with its words; starts and ends int64 (tokens,), rising."""
    until = tf.searchsorted(characters.begins, ends)
    # Tokens that are parts of one character may all have its whole place: the first of them begins the word.
    taken = tf.concat([[0], until[:-1]], 0)[: tf.size(until)]
    before = tf.maximum(tf.searchsorted(characters.begins, starts), taken)
    begins = until > before
    places = tf.where(begins, tf.gather(_padded(characters.begins), before), starts)
    in_word = tf.searchsorted(characters.starts, ends) > tf.searchsorted(characters.ends, starts, side="right")
    # A token that reaches into the next word, by a part of a character, ends for its own word where that begins.
    next_begins, next_place = tf.concat([begins[1:], [False]], 0), tf.concat([places[1:], [0]], 0)
    limit = tf.where(next_begins[: tf.size(ends)], tf.minimum(next_place[: tf.size(ends)], ends), ends)
    last = tf.maximum(tf.searchsorted(characters.starts, limit) - 1, 0)
    return WordPlaces(begins, in_word, places, tf.gather(_padded(characters.ends), last))


def _padded(places: tf.Tensor) -> tf.Tensor:
    """Adds a place, so that there is one to gather where there are none."""
    return tf.concat([places, [0]], 0)


@functools.cache
def _kind_pages() -> tuple[np.ndarray, np.ndarray]:
    """Tabulates the kinds of all code points: uint8 (pages · 256,), and int32 (0x1100,), the page of each 256."""
    kinds = np.full(0x110000, Kind.INSIDE, np.uint8)
    codes = [*range(_ASTRAL), *range(0xE0000, 0xE0200)]
    kinds[codes] = [kind_of(chr(code)) for code in codes]
    kinds[0xF0000:] = Kind.ALONE
    pages, page_of = np.unique(kinds.reshape(-1, _PAGE), axis=0, return_inverse=True)
    return pages.reshape(-1), page_of.reshape(-1).astype(np.int32)


def _texts(tokenizer: BytePairTokenizer) -> tuple[np.ndarray, np.ndarray]:
    """The bytes of each entry, a blank for a special token, which ends the word before it; and how many they are."""
    tokens = tokenizer.get_vocabulary()
    texts = [b" " if token in SPECIAL_TOKENS else tokenizer.text_of(token) for token in tokens]
    return np.array(texts, object), np.array([len(text) for text in texts], np.int64)
