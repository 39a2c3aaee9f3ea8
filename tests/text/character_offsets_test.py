"""Bytes and characters. The truth: Python's own decoding of the bytes before each place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_bert.text.character_offsets import bytes_of, characters_of


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_every_character_is_found_both_ways(text):
    encoded = text.encode("utf-8", "surrogatepass")
    characters = list(range(len(text) + 1))
    places = [len(text[:index].encode("utf-8", "surrogatepass")) for index in characters]
    assert bytes_of(encoded, characters).tolist() == places
    assert characters_of(encoded, places).tolist() == characters


@pytest.mark.parametrize("text", ["plain", "né", "e\u0301te\u0301", "问题", "👩\u200d🚀 ok", "שלום עולם"])
def test_spans_of_characters_are_spans_of_bytes(text):
    encoded = text.encode()
    for start in range(len(text)):
        for end in range(start, len(text) + 1):
            first, last = bytes_of(encoded, [start, end])
            assert encoded[first:last].decode() == text[start:end]


def test_a_place_inside_a_character_is_its_end():
    assert characters_of("a€b".encode(), [1, 2, 3, 4, 5]).tolist() == [1, 2, 2, 2, 3]


def test_a_place_behind_the_end_is_an_error():
    with pytest.raises(IndexError):
        characters_of(b"ab", [3])
    with pytest.raises(IndexError):
        bytes_of("né".encode(), [3])
