"""PhraseMatcher. The truth: forward maximum matching, written as a loop over each row."""

import random

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.text.masks.phrases import PhraseMatcher
from keras_bert.text.word_begins import continuations
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.text.byte_level import byte_level

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = [*SPECIAL, "a", "b", "c", "##d"]
TOKENIZER = BertTokenizer(LETTERS)


def cover(tokens, phrases, continues):
    """True behind the first token of a phrase; leftmost, longest, never up to the middle of a word."""
    inside, place = [False] * len(tokens), 0
    while place < len(tokens):
        length = max(
            (
                len(phrase)
                for phrase in phrases
                if tuple(tokens[place : place + len(phrase)]) == phrase
                and not (place + len(phrase) < len(tokens) and continues[tokens[place + len(phrase)]])
            ),
            default=1,
        )
        inside[place + 1 : place + length] = [True] * (length - 1)
        place += length
    return inside


def matched(matcher, rows, usable=None):
    rows = tf.constant(rows, tf.int32)
    return matcher(rows, tf.ones_like(rows, tf.bool) if usable is None else tf.constant(usable)).numpy()


def test_any_list_of_phrases_is_forward_maximum_matching():
    rng = random.Random(0)
    continues = continuations(TOKENIZER)
    for _ in range(12):
        texts = [" ".join(rng.choices("abc", k=rng.randint(2, 6))) + "d" * rng.randint(0, 1) for _ in range(6)]
        phrases = {tuple(row) for row in TOKENIZER(texts).to_list()}
        rows = [[rng.choice([5, 6, 7, 5, 6, 7, 8]) for _ in range(40)] for _ in range(8)]
        found = matched(PhraseMatcher(texts, TOKENIZER), rows)
        assert found.any()
        for row, inside in zip(rows, found.tolist(), strict=True):
            assert inside == cover(row, phrases, continues)


def test_the_longest_of_overlapping_phrases_from_the_left():
    matcher = PhraseMatcher(["a b", "a b c", "c a", "b c c c"], TOKENIZER)
    assert matched(matcher, [[5, 6, 7, 5, 5, 6, 7, 5]]).astype(int).tolist() == [[0, 1, 1, 0, 0, 1, 1, 0]]
    assert matched(matcher, [[6, 7, 5, 6, 7, 7, 7, 6]]).astype(int).tolist() == [[0, 0, 1, 0, 1, 1, 1, 0]]


def test_a_phrase_ends_with_its_word_and_its_row():
    matcher = PhraseMatcher(["a b"], TOKENIZER)
    assert not matched(matcher, [[5, 6, 8, 5], [6, 7, 7, 7]]).any()  # "a bd", and "a" at the end of a row
    assert matched(matcher, [[7, 7, 5, 6]]).tolist() == [[False, False, False, True]]


def test_no_phrase_goes_over_what_is_not_usable():
    matcher = PhraseMatcher(["a b c"], TOKENIZER)
    assert matched(matcher, [[5, 6, 7]]).any()
    for hole in range(3):
        assert not matched(matcher, [[5, 6, 7]], [[place != hole for place in range(3)]]).any()


def test_a_file_is_read_as_a_list(tmp_path):
    path = tmp_path / "phrases.txt"
    path.write_bytes("\ufeffa b\r\n\n  c a \nc\n".encode())
    assert matched(PhraseMatcher(path, TOKENIZER), [[5, 6, 7, 5]]).tolist() == [[False, True, False, True]]


def test_in_a_graph_of_unknown_sizes():
    matcher = tf.function(PhraseMatcher(["a b"], TOKENIZER))
    ids = tf.TensorSpec([None, None], tf.int32)
    call = matcher.get_concrete_function(ids, tf.TensorSpec([None, None], tf.bool))
    for shape in ((0, 4), (2, 1), (3, 9)):
        rows = tf.fill(shape, 5)
        assert call(rows, tf.ones_like(rows, tf.bool)).shape == shape


def test_phrases_of_byte_pairs_with_and_without_a_blank_before():
    tokenizer = byte_level("new", "york")
    matcher = PhraseMatcher(["new york"], tokenizer)
    for text, expected in (
        ("new york", [False, True]),
        ("new new york, york", [False, False, True, False, False]),
        ("new yorker", [False, False, False, False]),
        ("xnew york", [False, False, False]),  # nor inside a word
        ("(new york", [False, False, True]),
    ):
        assert matched(matcher, [tokenizer(text).numpy().tolist()])[0].tolist() == expected


@pytest.mark.parametrize("phrases", [[], ["a"], ["x y"], [" ", "c"]])
def test_a_list_without_a_phrase_is_refused(phrases):
    with pytest.raises(InputError, match="two tokens or more"):
        PhraseMatcher(phrases, TOKENIZER)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"missing\.txt: cannot read"):
        PhraseMatcher(tmp_path / "missing.txt", TOKENIZER)
    (tmp_path / "latin1.txt").write_bytes(b"caf\xe9")
    with pytest.raises(InputError, match=r"latin1\.txt: not UTF-8"):
        PhraseMatcher(tmp_path / "latin1.txt", TOKENIZER)


def test_phrases_unknown_to_the_vocabulary_match_nothing():
    matcher = PhraseMatcher(["a b", "x a"], TOKENIZER)
    assert not matched(matcher, np.array([[1, 5, 7, 1, 5]])).any()
