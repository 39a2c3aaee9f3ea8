"""Where words begin, for both kinds of tokenizer; of bytes the truth is a loop over the characters."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.word_begins import continuations, goes_on, word_places
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from keras_bert.text.words import Kind, kind_of
from tests.text import byte_pair_peer
from tests.text.byte_level import SPECIAL, byte_level

BYTES = byte_level()
LOWER = byte_level(lowercase=True, strip_accents=False)
SOME_WORDS = byte_level("the", "new", "york", "bread")


def words_of(tokenizer, texts: list[str]) -> list[list[str]]:
    """The words of each text, put together of its tokens."""
    ids, starts, ends = tokenizer.tokenize_with_offsets(tf.constant(texts, tf.string))
    places = word_places(tokenizer, texts, ids, starts.values, ends.values)
    found: list[list[tuple[int, int]]] = [[] for _ in texts]
    rows = np.repeat(np.arange(len(texts)), ids.row_lengths())
    columns = zip(rows, *(column.numpy().tolist() for column in places), strict=True)
    for row, begins, in_word, start, end in columns:
        if begins:
            found[row].append((start, end))
        elif in_word:
            found[row][-1] = (found[row][-1][0], max(found[row][-1][1], end))
    return [[text.encode()[a:b].decode() for a, b in spans] for text, spans in zip(texts, found, strict=True)]


def words_by_characters(text: str) -> list[str]:
    words, before = [], Kind.BLANK
    for character in text:
        kind = kind_of(character)
        if kind == Kind.EXTENDS:
            if before != Kind.BLANK:
                words[-1] += character
            continue
        if kind == Kind.INSIDE and before == Kind.INSIDE:
            words[-1] += character
        elif kind != Kind.BLANK:
            words.append(character)
        before = kind
    return words


def test_word_pieces_say_it_themselves():
    tokenizer = BertTokenizer([*SPECIAL, *"ab(),€", "##b", "##a", "##1", *"北京", "##"])
    assert words_of(tokenizer, ["abba (ab),b", "", "b北京a", "x ## ab", "€1"]) == [
        ["abba", "(", "ab", ")", ",", "b"],
        [],
        ["b", "北", "京", "a"],
        ["x", "#", "#", "ab"],
        ["€1"],
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("abba (été) b2,c", ["abba", "(", "été", ")", "b2", ",", "c"]),
        ("年5月の問", ["年", "5", "月", "の", "問"]),
        ("北京上海", ["北", "京", "上", "海"]),
        ("北京，中国", ["北", "京", "，", "中", "国"]),
        ("1990–1995", ["1990", "–", "1995"]),
        ("“Vienna”", ["“", "Vienna", "”"]),
        ("€100 😀", ["€", "100", "😀"]),
        ("\x0cAda\x0cwas  here \n", ["Ada", "was", "here"]),
        ("e\u0301t\u200be हिन्दी 👍🏽", ["e\u0301t\u200be", "हिन्दी", "👍🏽"]),
        ("\u200b\u0301ab \u0301c \u200b", ["ab", "c"]),
        (" \t\n", []),
        ("", []),
    ],
)
@pytest.mark.parametrize("tokenizer", [BYTES, LOWER], ids=["as it is", "normalized"])
def test_bytes_are_told_by_their_characters(text: str, words: list[str], tokenizer: BytePairTokenizer):
    found = words_of(tokenizer, ["a", text, "b"])
    assert found == [["a"], words, ["b"]]


def test_a_control_character_that_normalization_drops_still_divides():
    """Form feeds are white space of the text that people see, though BERT's normalization drops them."""
    assert words_of(byte_level("bread", lowercase=True), ["the\x0cbread"]) == [["the", "bread"]]


def test_a_token_of_parts_of_two_characters():
    """`北` is E5 8C 97 and `京` E4 BA AC: a token of the last byte of one and all of the other begins the second."""
    third, first, second = "\u0139", "ä", "º"  # 97, E4, BA as a vocabulary file writes them
    last = "¬"  # AC
    characters = BYTES.get_vocabulary()
    entries = [*characters, third + first, second + last, third + first + second + last]
    rules = [f"{third} {first}", f"{second} {last}", f"{third + first} {second + last}"]
    tokenizer = BytePairTokenizer(entries, rules)
    assert len(tokenizer(["北京"])[0]) == 3
    assert words_of(tokenizer, ["北京", "x北京x"]) == [["北", "京"], ["x", "北", "京", "x"]]


LETTERS = st.text(st.sampled_from("ab \n\x0c.,€“”–中é\u0301\u200b😀x") | st.characters(codec="utf-8"), max_size=30)


@settings(max_examples=60, deadline=None)
@given(st.lists(LETTERS, min_size=1, max_size=4))
def test_any_text_of_bytes(texts: list[str]):
    expected = [words_by_characters(text) for text in texts]
    assert words_of(BYTES, texts) == expected


@functools.cache
def learned(lowercase: bool) -> BytePairTokenizer:
    return BytePairTokenizer(*byte_pair_peer.learned(), lowercase=lowercase)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(LETTERS, min_size=1, max_size=4))
def test_words_of_learned_merges_are_those_of_bytes_or_several_of_them(texts: list[str]):
    """A token may hold several words (`",`); it never makes a word out of parts of two."""
    pytest.importorskip("tokenizers", reason="the peer")
    for lowercase in (False, True):
        for text, words in zip(texts, words_of(learned(lowercase), texts), strict=True):
            position = 0
            for word in words:
                position = text.index(word, position) + len(word)
                assert kind_of(word[0]) in (Kind.ALONE, Kind.INSIDE)
                assert kind_of(word[-1]) != Kind.BLANK


@pytest.mark.parametrize("texts", [[], ["", ""]])
@pytest.mark.parametrize("tokenizer", [BertTokenizer([*SPECIAL, "a"]), BYTES], ids=["pieces", "bytes"])
def test_no_tokens(texts: list[str], tokenizer):
    assert words_of(tokenizer, texts) == [[] for _ in texts]


def test_bytes_that_are_no_utf8():
    texts = [b"\xff\xfeab", b"cut \xe5\x8c", b"\x00a"]
    ids, starts, ends = BYTES.tokenize_with_offsets(texts)
    places = word_places(BYTES, texts, ids, starts.values, ends.values)
    spans = zip(places.starts.numpy()[places.begins], places.ends.numpy()[places.begins], strict=True)
    assert [span[0] for span in spans] == [0, 1, 2, 0, 4, 1]


def test_of_ids_alone_words_are_the_same():
    for text in ("the new york (été) b2, 北京上海", "1990–1995 “Vienna” €100"):
        for tokenizer in (BYTES, SOME_WORDS):
            ids, starts, ends = tokenizer.tokenize_with_offsets([text])
            places = word_places(tokenizer, [text], ids, starts.values, ends.values)
            rows = np.array([[2, *ids.values, 3], [0, *ids.values, 0]])
            found = goes_on(tokenizer, tf.constant(rows, tf.int32)).numpy()
            inner = (places.in_word & ~places.begins).numpy()
            assert (found == np.pad(np.stack([inner] * 2), [(0, 0), (1, 1)])).all()


def test_rows_of_ids_do_not_go_on_with_the_row_before():
    rows = tf.constant([[BYTES.token_to_id("a")], [BYTES.token_to_id("b")]])
    assert not goes_on(BYTES, rows).numpy().any()
    assert goes_on(BYTES, tf.reshape(rows, [1, 2])).numpy().tolist() == [[False, True]]


def test_entries_that_go_on_with_a_word():
    assert continuations(BertTokenizer([*SPECIAL, "a", "b", "c", "##d"])).tolist() == [False] * 8 + [True]
    # A WordPiece vocabulary may have the letter that byte-level BPE writes for a blank.
    assert not continuations(BertTokenizer([*SPECIAL, "Ġ", "##", "Ġa"])).any()
    tokenizer = byte_level("the")
    continues = dict(zip(tokenizer.get_vocabulary(), continuations(tokenizer).tolist(), strict=True))
    assert not any(continues[token] for token in (*SPECIAL, "Ġ", "Ġthe", ",", "Ċ"))
    assert all(continues[token] for token in ("the", "t", "7", "Ã", "©"))
