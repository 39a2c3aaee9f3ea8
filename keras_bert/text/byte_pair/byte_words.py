r"""Cuts text into the words of byte-level BPE, in graph: GPT-2's pattern without the lookahead that RE2 has not.

The pattern, in the words of the `tokenizers` library (its pre-tokenizer `ByteLevel`):

    's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+

A word takes the one blank before it along. Here each white-space character that no word takes is first cut off by
itself, and those that stand together are joined after.

References:
    https://github.com/openai/gpt-2/blob/master/src/encoder.py (the pattern)
"""

import functools

import tensorflow as tf

from keras_bert.text.regex_parts import WHITE_SPACE, split_at

# Letters and numbers of Unicode 15.1 and 16; TensorFlow's RE2 knows those of 15.0. The tests compare every code point.
_NEW_LETTERS = (
    "1C89-1C8A A7CB-A7CD A7DA-A7DC 105C0-105F3 10D4A-10D65 10D6F-10D85 10EC2-10EC4 11380-11389 1138B 1138E 11390-113B5 "
    "113B7 113D1 113D3 11BC0-11BE0 13460-143FA 16100-1611D 16D40-16D6C 18CFF 1E5D0-1E5ED 1E5F0 2EBF0-2EE5D"
)
_NEW_NUMBERS = "10D40-10D49 116D0-116E3 11BF0-11BF9 16130-16139 16D70-16D79 1CCF0-1CCF9 1E5F1-1E5FA"


def _ranges(codes: str) -> str:
    """Writes code points as the inside of a character class."""
    bounds = (part.partition("-") for part in codes.split())
    return "".join(rf"\x{{{low}}}" + (rf"-\x{{{high}}}" if high else "") for low, _, high in bounds)


_LETTER = rf"\p{{L}}{_ranges(_NEW_LETTERS)}"
_NUMBER = rf"\p{{N}}{_ranges(_NEW_NUMBERS)}"
_PATTERN = (
    rf"'s|'t|'re|'ve|'m|'ll|'d| ?[{_LETTER}]+| ?[{_NUMBER}]+| ?[^{WHITE_SPACE}{_LETTER}{_NUMBER}]+|[{WHITE_SPACE}]"
)


@functools.cache
def byte_characters() -> tuple[str, ...]:
    """Gives the character that stands for each byte in a vocabulary file: 256, all printable.

    Printable Latin-1 stands for itself, the other 68 bytes are U+0100 and on in their order (a blank is `Ġ`).
    """
    own = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = iter(range(0x100, 0x200))
    return tuple(chr(byte) if byte in own else chr(next(others)) for byte in range(256))


def split_byte_words(text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Cuts texts into words; put together again they are the text, byte for byte.

    Args:
        text: string (batch,). Bytes that are no UTF-8 are words of their own.

    Returns:
        words, rows, starts: string (words,), int64 (words,) the text that each is from, int64 (words,) its first byte.
    """
    parts = split_at(text, _PATTERN)
    parts, rows, starts = parts.texts, parts.rows, parts.starts
    space = tf.strings.regex_full_match(parts, f"[{WHITE_SPACE}]")
    same_row = rows[1:] == rows[:-1]
    no = tf.zeros_like(space[:1])
    # White space joins the one before, except the last of several before a word that took no blank along.
    follows = tf.concat([no, same_row & space[1:] & space[:-1]], 0)
    bare_word_next = same_row & ~space[1:] & (tf.strings.substr(parts[1:], 0, 1) != " ")
    first = ~follows | tf.concat([bare_word_next, no], 0)
    number = tf.cumsum(tf.cast(first, tf.int32))
    words = tf.strings.unsorted_segment_join(parts, number - 1, tf.reduce_max(tf.concat([[0], number], 0)))
    rows, starts = tf.boolean_mask(rows, first), tf.boolean_mask(starts, first)
    return words, rows, starts
