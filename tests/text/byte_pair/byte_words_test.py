"""Words are those of the `tokenizers` library's pre-tokenizer `ByteLevel`."""

import random

import pytest
import tensorflow as tf

from keras_bert.text.byte_pair.byte_words import byte_characters, split_byte_words

tokenizers = pytest.importorskip("tokenizers", reason="the peer")
PEER = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
BYTE_OF = {character: byte for byte, character in enumerate(byte_characters())}


def theirs(text):
    return [bytes(BYTE_OF[character] for character in word) for word, _ in PEER.pre_tokenize_str(text)]


def ours(texts):
    words, rows, starts = split_byte_words(tf.constant(texts))
    found, lengths = [[] for _ in texts], [0] * len(texts)
    for word, row, start in zip(words.numpy(), rows.numpy().tolist(), starts.numpy().tolist(), strict=True):
        assert start == lengths[row]
        found[row].append(word)
        lengths[row] += len(word)
    return found


def test_the_characters_of_the_bytes():
    assert sorted(byte_characters()) == sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    assert byte_characters()[ord(" ")] == "Ġ"
    assert byte_characters()[0] == "Ā"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "a",
            "  ",
            "a  b",
            "a   b  ",
            "\n\n x",
            "\n\nx",
            " 's 's's ''s !'s x's",
            "don't we'll I'D",
            "12ab 3",
        ),
        *(
            "a\u2003b",
            "a\u00a0 b",
            "६७ ६",
            "\t\tx",
            "x \n",
            "a\u0301 ½ Ⅷ",
            "中文，测试 ok",
            "\u3000中",
            "a\x0bb\x1cb\x85c",
            "a\x00b \x00\x00",
            "\x00",
        ),
        "hello   's",
    ],
)
def test_awkward_text(text):
    assert ours([text]) == [theirs(text)]


@pytest.mark.slow
def test_every_code_point_is_of_the_same_kind():
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    # Whether it sticks to a letter, a number or another sign tells what it is. Unassigned and private planes, of which
    # all code points are alike, are looked at here and there.
    characters = [c for c in characters if ord(c) < 0x33480 or ord(c) % 997 == 0]
    for before in "a1!":
        texts = [" ".join(f"{before}{c}" for c in characters[i : i + 4096]) for i in range(0, len(characters), 4096)]
        assert ours(texts) == [theirs(text) for text in texts]


def test_random_text():
    chance = random.Random(0)
    parts = [*"ab 1'!\n\t\u2003\u00a0६é中\u0301\u200b", "'s", "'ll", "  ", "the ", " an"]
    texts = ["".join(chance.choices(parts, k=chance.randint(0, 20))) for _ in range(3000)]
    assert ours(texts) == [theirs(text) for text in texts]


def test_bytes_that_are_no_utf_8_are_kept():
    texts = [b"ab\xff\xfe c", b"\xe4\xb8", b"a \xc3(", b"\xff \xff"]
    assert [b"".join(words) for words in ours(texts)] == texts


def test_no_text():
    words, rows, starts = split_byte_words(tf.constant([], tf.string))
    assert (words.shape[0], rows.shape[0], starts.shape[0]) == (0, 0, 0)
