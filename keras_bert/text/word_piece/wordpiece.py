"""The WordPiece op of a vocabulary, and special tokens that are written in the text.

Where these count, each is replaced by a stand-in before normalization: a noncharacter (U+FDD0 ...) between blanks,
which takes as many bytes (3 + 2, or 3 for `[MASK]`), so that offsets stay. Such noncharacters in the text itself become
another one first.
"""

from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text

from keras_bert.errors import InputError
from keras_bert.text import normalizer_model
from keras_bert.text.vocabulary import SPECIAL_TOKENS, UNK_TOKEN

MAX_BYTES_PER_WORD = 400
"""A longer word is one [UNK]. Hugging Face's limit is 100 characters, and UTF-8 takes at most 4 bytes for one, so no
word that it splits is lost here; a word of 101 characters or more and up to 400 bytes is split here and [UNK] there."""

_STAND_INS = {token: chr(0xFDD0 + i) for i, token in enumerate(SPECIAL_TOKENS)}
_NO_STAND_IN = chr(0xFDD0 + len(SPECIAL_TOKENS))
_RESERVED = frozenset((*_STAND_INS.values(), _NO_STAND_IN))


def make_wordpiece(tokens: list[str], special_tokens_in_text: bool) -> tf_text.FastWordpieceTokenizer:
    """Makes the op that cuts normalized text into ids.

    Args:
        tokens: the vocabulary.
        special_tokens_in_text: the text comes from `put_stand_ins`. A written `[UNK]` gets the id behind the
            vocabulary, since its offsets are not those of an unknown word.

    Returns:
        The op; its ids are int32.

    Raises:
        InputError: the vocabulary has no words and pieces.
    """
    reserved = _RESERVED if special_tokens_in_text else frozenset()
    pieces = [_unreachable(i) if _cannot_occur(token, reserved) else token for i, token in enumerate(tokens)]
    if special_tokens_in_text:
        # [UNK] itself stays the answer to unknown words.
        stand_ins = {token: stand_in for token, stand_in in _STAND_INS.items() if token != UNK_TOKEN}
        pieces = [stand_ins.get(token, token) for token in pieces]
        pieces.append(_STAND_INS[UNK_TOKEN])
    try:
        return tf_text.FastWordpieceTokenizer(
            pieces, max_bytes_per_word=MAX_BYTES_PER_WORD, token_out_type=tf.int32, unknown_token=UNK_TOKEN
        )
    except RuntimeError as error:
        raise InputError(f"vocabulary: its {len(tokens)} entries make no WordPiece vocabulary: {error}") from None


def _cannot_occur(token: str, reserved: frozenset[str]) -> bool:
    """Tells whether prepared text never holds the entry: it has white space, a control or a reserved character.

    The op would find some of them all the same, across the blank between two words.
    """
    if token.isprintable() and " " not in token:  # nearly all, and fast
        return False
    return any(
        normalizer_model.is_removed(character) or normalizer_model.is_white_space(character) or character in reserved
        for character in token
    )


def _unreachable(entry: int) -> str:
    """A word that the op never finds, since its punctuation cuts it."""
    return f"[[unreachable {entry}]]"


def put_stand_ins(text: Any) -> Any:
    """Puts the stand-ins where special tokens are written: string tensor or RaggedTensor in, the same out."""
    replace = tf.strings.regex_replace
    text = tf.ragged.map_flat_values(replace, text, f"[{''.join(_STAND_INS.values())}]", _NO_STAND_IN)
    for token, stand_in in _STAND_INS.items():
        pattern = token.replace("[", r"\[").replace("]", r"\]")
        text = tf.ragged.map_flat_values(replace, text, pattern, f" {stand_in}{' ' * _blanks_after(token)}")
    return text


def stand_in_margins(ids: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Tells how many blanks stand before and after the stand-in of each id.

    Args:
        ids: the id of each entry of the vocabulary.

    Returns:
        Two int64 (vocabulary + 1,); the last is for a written `[UNK]`.
    """
    before, after = np.zeros((2, len(ids) + 1), np.int64)
    for token in SPECIAL_TOKENS:
        entry = len(ids) if token == UNK_TOKEN else ids[token]
        before[entry], after[entry] = 1, _blanks_after(token)
    return before, after


def _blanks_after(token: str) -> int:
    return len(token) - 1 - len(_STAND_INS[token].encode())
