"""[MASK] in a text is one token, all else is plain text, and what fills it reads as text."""

import doctest

import pytest

from keras_bert.errors import InputError
from keras_bert.tasks.pretraining import fill_mask
from keras_bert.tasks.pretraining.fill_mask import MAX_MASKS, filled, masked_inputs, target_ids
from tests.tasks import tiny

PREPROCESSOR = tiny.preprocessor(max_length=12, pad_to_multiple_of=1)
PAD, UNK, CLS, SEP, MASK = range(5)
GOOD, FILM, S = (tiny.VOCABULARY.index(token) for token in ("good", "film", "##s"))


def tokens(*texts):
    inputs = masked_inputs(list(texts), PREPROCESSOR)
    return {name: tensor.numpy().tolist() for name, tensor in inputs.items()}


def test_masks_become_tokens_and_their_places_are_told():
    inputs = tokens("good [MASK]", "[MASK] [MASK]good[MASK]", "film", "")
    assert inputs["token_ids"] == [
        [CLS, GOOD, MASK, SEP, PAD, PAD],
        [CLS, MASK, MASK, GOOD, MASK, SEP],
        [CLS, FILM, SEP, PAD, PAD, PAD],
        [CLS, SEP, PAD, PAD, PAD, PAD],
    ]
    assert inputs["mask_positions"] == [[2, 0, 0], [1, 2, 4], [0, 0, 0], [0, 0, 0]]
    assert inputs["mask_count"] == [1, 3, 0, 0]
    assert inputs["padding_mask"][1] == [1] * 6
    assert not any(map(any, inputs["segment_ids"]))


def test_only_the_mask_is_special():
    ids = tokens("[SEP][CLS] [MASK]")["token_ids"][0]
    assert (ids.count(SEP), ids.count(CLS), ids.count(MASK)) == (1, 1, 1)


def test_what_does_not_fit_is_cut_off():
    inputs = tokens("good " * 9 + "[MASK] [MASK]", "[MASK]" * 40)
    assert [len(row) for row in inputs["token_ids"]] == [12, 12]
    assert [row[-1] for row in inputs["token_ids"]] == [SEP, SEP]
    assert inputs["mask_count"] == [1, 10]
    wide = masked_inputs(["[MASK]" * 500], tiny.preprocessor(max_length=400))
    assert wide["mask_positions"].shape == (1, MAX_MASKS)


def test_no_text_and_bytes_that_are_none():
    assert masked_inputs([], PREPROCESSOR)["mask_positions"].shape == (0, 1)
    assert tokens(b"\xff[MASK]\xed\xa0\x80")["mask_count"] == [1]


@pytest.mark.parametrize(
    ("text", "index", "word", "expected"),
    [
        ("a [MASK] b [MASK].", 1, " film", "a [MASK] b film."),
        ("[MASK]s", 0, " film", "films"),
        ("film [MASK]", 0, "s", "films"),
        ("film [MASK]", 0, ".", "film."),
        ("[MASK]", 0, "s", "s"),
    ],
)
def test_words_are_put_in(text, index, word, expected):
    assert filled(text, index, word) == expected


def test_the_examples():
    assert doctest.testmod(fill_mask).failed == 0


def test_targets_are_tokens_each_once():
    found = target_ids(PREPROCESSOR.tokenizer, ["GOOD", "##s", "film", "good"])
    assert found == [GOOD, S, FILM]


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (["good", "books"], "'books' is not one token of the vocabulary, but book ##s"),
        (["Vienna"], r"'Vienna' is not one token of the vocabulary, but \[UNK\]"),
        ([""], "'' is not one token of the vocabulary, but nothing"),
        ([], "a list of words"),
        ("good", "a list of words"),
        ([3], "a list of words"),
    ],
)
def test_targets_that_are_none(targets: list, message: str):
    with pytest.raises(InputError, match=message):
        target_ids(PREPROCESSOR.tokenizer, targets)
