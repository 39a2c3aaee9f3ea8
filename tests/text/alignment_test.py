"""Words and pieces: worked out by hand on small vocabularies."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.text.alignment import align, cut_into_pieces, word_spans
from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.text import byte_pair_peer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TOKENIZER = BertTokenizer([*SPECIAL, "the", "bre", "##ad", "!", "1", "##99", "##8", "u", "."])


def words_of(tokenizer, texts: list[str]) -> list[list[str]]:
    _, rows, starts, ends = word_spans(cut_into_pieces(tokenizer, texts))
    found = [[] for _ in texts]
    for row, start, end in zip(rows.numpy(), starts.numpy(), ends.numpy(), strict=True):
        found[row].append(texts[row].encode()[start:end].decode())
    return found


def aligned(texts: list[str], words: list[list[tuple[int, int]]]) -> tuple[list, list, list]:
    starts = tf.ragged.constant([[start for start, _ in row] for row in words], tf.int64, ragged_rank=1)
    ends = tf.ragged.constant([[end for _, end in row] for row in words], tf.int64, ragged_rank=1)
    result = align(cut_into_pieces(TOKENIZER, texts), starts, ends)
    return tuple(tensor.numpy().tolist() for tensor in result)


def test_pieces_say_where_words_begin():
    pieces = cut_into_pieces(TOKENIZER, ["The bread!", "", "1998"])
    assert pieces.ids.to_list() == [[5, 6, 7, 8], [], [9, 10, 11]]
    assert pieces.begins_word.numpy().tolist() == [True, True, False, True, True, False, False]
    assert pieces.starts.numpy().tolist() == [0, 4, 7, 9, 0, 1, 3]
    assert pieces.ends.numpy().tolist() == [3, 7, 9, 10, 1, 3, 4]


def test_words_of_raw_text():
    assert words_of(TOKENIZER, ["The bread!", "", " U.U 1998"]) == [
        ["The", "bread", "!"],
        [],
        ["U", ".", "U", "1998"],
    ]


def test_a_word_with_accents_and_marks_is_whole():
    assert words_of(TOKENIZER, ["Thé cafe\u0301 e\u200b!"]) == [["Thé", "cafe\u0301", "e\u200b", "!"]]


def test_given_words_of_several_pieces():
    """`U.` is two words to the tokenizer, one to the file."""
    word, is_first, first_piece = aligned(["U. bread", "the"], [[(0, 2), (3, 8)], [(0, 3)]])
    assert word == [0, 0, 1, 1, 2]
    assert is_first == [True, False, True, False, True]
    assert first_piece == [0, 2, 4]


def test_several_given_words_in_a_piece():
    """Characters of `1998`: only the first has a piece that begins a word."""
    word, is_first, first_piece = aligned(["1998"], [[(0, 1), (1, 2), (2, 3), (3, 4)]])
    assert word == [0, 1, 3]
    assert is_first == [True, True, True]
    assert first_piece == [0, -1, -1, -1]


def test_a_word_that_normalization_drops_and_text_outside_words():
    word, is_first, first_piece = aligned(["\u200b the !"], [[(0, 3), (4, 7)]])
    assert (word, is_first, first_piece) == ([1, -1], [True, False], [-1, 0])


@pytest.mark.parametrize("texts", [[""], ["", ""], []])
def test_nothing_to_align(texts: list[str]):
    words = [[] for _ in texts]
    starts = tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.int64), [0] * len(words))
    pieces = cut_into_pieces(TOKENIZER, tf.constant(texts, tf.string))
    assert all(tensor.shape[0] == 0 for tensor in align(pieces, starts, starts))
    assert all(tensor.shape[0] == 0 for tensor in word_spans(pieces))


def test_byte_level_pieces():
    pytest.importorskip("tokenizers", reason="the peer")
    tokenizer = BytePairTokenizer(*byte_pair_peer.learned(), lowercase=True)
    texts = ["Ada Lovelace, London.", "né\nun été", " (a) b", "x"]
    assert words_of(tokenizer, texts) == [
        ["Ada", "Lovelace", ",", "London", "."],
        ["né", "un", "été"],
        ["(", "a", ")", "b"],
        ["x"],
    ]


def test_the_search_is_the_same_as_one_by_one():
    """Against a loop over random words and pieces of several texts."""
    rng = np.random.default_rng(0)
    texts = ["the bread! u.u 1998 " * 3, "bread", "1998 u."]
    pieces = cut_into_pieces(TOKENIZER, texts)
    spans = []
    for text in texts:
        edges = np.unique(rng.integers(0, len(text) + 1, 12))
        spans.append([(int(a), int(b)) for a, b in itertools.pairwise(edges) if rng.random() < 0.8])
    rows, starts = pieces.ids.value_rowids().numpy(), pieces.starts.numpy()
    begins = np.cumsum([0, *map(len, spans)])
    expected = []
    for row, start in zip(rows, starts, strict=True):
        inside = [begins[row] + i for i, (a, b) in enumerate(spans[row]) if a <= start < b]
        expected.append(inside[0] if inside else -1)
    assert aligned(texts, spans)[0] == expected
