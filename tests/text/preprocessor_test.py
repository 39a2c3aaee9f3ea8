"""BertPreprocessor: packing as BERT packs, truncation as BERT truncates, padding as asked."""

import random

import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.text import BertPreprocessor, BertTokenizer

TOKENIZER = BertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"])
CLS, SEP, A, B = 2, 3, 5, 6


def truncate_seq_pair(first, second, room):
    """google-research/bert, run_classifier.py, `_truncate_seq_pair`."""
    first, second = list(first), list(second)
    while len(first) + len(second) > room:
        longer = first if len(first) > len(second) else second
        longer.pop()
    return first, second


def rows_of(inputs):
    return [
        [token for token, keep in zip(row, mask, strict=True) if keep]
        for row, mask in zip(inputs["token_ids"].numpy().tolist(), inputs["padding_mask"].numpy().tolist(), strict=True)
    ]


def test_one_text():
    inputs = BertPreprocessor(TOKENIZER, max_length=16)(["a b", "b"])
    assert inputs["token_ids"].numpy().tolist() == [[CLS, A, B, SEP, 0, 0, 0, 0], [CLS, B, SEP, 0, 0, 0, 0, 0]]
    assert inputs["padding_mask"].numpy().tolist() == [[1, 1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0, 0]]
    assert not inputs["segment_ids"].numpy().any()
    assert {tensor.dtype for tensor in inputs.values()} == {tf.int32}


def test_two_texts():
    inputs = BertPreprocessor(TOKENIZER, max_length=16)(["a b"], ["b"])
    assert inputs["token_ids"].numpy().tolist() == [[CLS, A, B, SEP, B, SEP, 0, 0]]
    assert inputs["segment_ids"].numpy().tolist() == [[0, 0, 0, 0, 1, 1, 0, 0]]


def test_an_injected_sep_ends_no_segment():
    inputs = BertPreprocessor(TOKENIZER, max_length=32)(["a [SEP] b"], ["b"])
    assert rows_of(inputs)[0].count(SEP) == 2
    assert rows_of(inputs)[0][-3:] == [SEP, B, SEP]


@pytest.mark.parametrize("max_length", [5, 6, 7, 16, 33])
def test_longest_first_is_berts_loop(max_length):
    random_ = random.Random(max_length)
    lengths = [(random_.randint(0, 40), random_.randint(0, 40)) for _ in range(400)] + [(0, 0), (40, 40), (3, 40)]
    texts = [("a " * first, "b " * second) for first, second in lengths]
    inputs = BertPreprocessor(TOKENIZER, max_length=max_length)(tuple(map(list, zip(*texts, strict=True))))
    for (first, second), row in zip(lengths, rows_of(inputs), strict=True):
        kept = truncate_seq_pair([A] * first, [B] * second, max_length - 3)
        assert row == [CLS, *kept[0], SEP, *kept[1], SEP]


def test_only_first_and_only_second():
    texts = (["a a a a a a", "a"], ["b b", "b b b b b b b b b b"])
    first = BertPreprocessor(TOKENIZER, max_length=8, truncation="only_first")(texts)
    assert rows_of(first) == [[CLS, A, A, A, SEP, B, B, SEP], [CLS, SEP, B, B, B, B, B, SEP]]
    second = BertPreprocessor(TOKENIZER, max_length=8, truncation="only_second")(texts)
    assert rows_of(second) == [[CLS, A, A, A, A, A, SEP, SEP], [CLS, A, SEP, B, B, B, B, SEP]]


def test_width():
    texts = ["a " * 10]
    widths = {
        (64, 8, "longest"): 16,
        (64, 1, "longest"): 12,
        (13, 8, "longest"): 13,
        (64, 8, "max_length"): 64,
    }
    for (max_length, multiple, padding), width in widths.items():
        preprocess = BertPreprocessor(TOKENIZER, max_length, pad_to_multiple_of=multiple, padding=padding)
        assert preprocess(texts)["token_ids"].shape == (1, width)


def test_halves_make_the_whole():
    preprocess = BertPreprocessor(TOKENIZER, max_length=12)
    texts = (["a b a", "b"], ["b", "a a"])
    packed = preprocess.pack(*texts)
    assert packed["token_ids"].to_list() == [[CLS, A, B, A, SEP, B, SEP], [CLS, B, SEP, A, A, SEP]]
    whole = preprocess(*texts)
    for name, tensor in preprocess.pad(packed).items():
        tf.debugging.assert_equal(tensor, whole[name])


def test_forms_of_input():
    preprocess = BertPreprocessor(TOKENIZER, max_length=12)
    pair = preprocess(["a"], ["b"])
    for form in (({"text": ["a"], "text_pair": ["b"], "label": [1]},), ((["a"], ["b"]),)):
        for name, tensor in preprocess(*form).items():
            tf.debugging.assert_equal(tensor, pair[name])
    assert preprocess("a")["token_ids"].shape == (8,)
    assert preprocess(tf.constant([], tf.string))["token_ids"].shape[0] == 0
    assert rows_of(preprocess([""])) == [[CLS, SEP]]


def test_refusals():
    with pytest.raises(InputError, match="at least 3"):
        BertPreprocessor(TOKENIZER, max_length=2)
    with pytest.raises(InputError, match="at least 5"):
        BertPreprocessor(TOKENIZER, max_length=4)(["a"], ["b"])
    with pytest.raises(InputError, match="truncation"):
        BertPreprocessor(TOKENIZER, truncation="middle")
    with pytest.raises(InputError, match="must be alike"):
        BertPreprocessor(TOKENIZER)(["a"], ["b", "b"])
    with pytest.raises(InputError, match="no 'text'"):
        BertPreprocessor(TOKENIZER)({"sentence": ["a"]})


def test_config_is_complete():
    settings = {"max_length": 9, "truncation": "only_first", "pad_to_multiple_of": 3, "padding": "max_length"}
    config = BertPreprocessor(TOKENIZER, **settings).get_config()
    assert {name: config[name] for name in settings} == settings
    again = BertPreprocessor.from_config(config)
    assert again.tokenizer.get_vocabulary() == TOKENIZER.get_vocabulary()
    assert again(["a " * 30])["token_ids"].shape == (1, 9)
