"""Words of raw text: by hand, and what the tokenizer in the graph makes of the same text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bert.text.alignment import cut_into_pieces, word_spans
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from keras_bert.text.words import is_blank, split_words, stands_alone

TOKENIZER = BertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##b"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \t\n", []),
        ("Ada Lovelace", ["Ada", "Lovelace"]),
        ("U.S.-based", ["U", ".", "S", ".", "-", "based"]),
        ("3G手机", ["3G", "手", "机"]),
        ("né\u3000un\u00a0été", ["né", "un", "été"]),
        ("ab\u200bc", ["ab\u200bc"]),
        ("«Привет», שלום!", ["«", "Привет", "»", ",", "שלום", "!"]),
        ("a😀b", ["a😀b"]),
        ("かな漢字", ["かな", "漢", "字"]),
    ],
)
def test_by_hand(text: str, words: list[str]):
    assert [text[start:end] for start, end in split_words(text)] == words


def test_single_characters():
    assert [is_blank(character) for character in " \t\n\r\u2003a\u200b"] == [True] * 5 + [False] * 2
    assert [stands_alone(character) for character in "$`—·𠀀々あ1"] == [True] * 5 + [False] * 3


# Where normalization changes nothing, the words are those of the tokenizer byte for byte.
PLAIN = st.text(
    st.sampled_from("ab \n.,$中國éßñ—«»😀שלום가") | st.characters(codec="ascii", min_codepoint=32), max_size=40
)


@settings(max_examples=150, deadline=None)
@given(PLAIN)
def test_the_graph_finds_the_same_words(text: str):
    expected = [text[start:end].encode() for start, end in split_words(text)]
    if max(map(len, expected), default=0) > 100 or "\x7f" in text:
        return
    _, row, starts, ends = word_spans(cut_into_pieces(TOKENIZER, [text]))
    data = text.encode()
    assert [data[start:end] for start, end in zip(starts.numpy(), ends.numpy(), strict=True)] == expected
    assert not row.numpy().any()
