"""Head and tail, and windows: the ids are those that Python's slices give."""

import math

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.text.long_texts import LongTexts
from tests.tasks import tiny

CLS, SEP = 2, 3
LENGTHS = (0, 1, 5, 6, 7, 11, 40)
TOKENS = [[5 + (index + length) % 20 for index in range(length)] for length in LENGTHS]
TEXTS = [" ".join(tiny.VOCABULARY[token].removeprefix("##") for token in row) for row in TOKENS]


def preprocessor(**options: object):
    return tiny.preprocessor(8, pad_to_multiple_of=1, **options)


def ids_of(text: str) -> list[int]:
    return preprocessor().tokenizer.tokenize([text]).to_list()[0]


IDS = [ids_of(text) for text in TEXTS]


@pytest.mark.parametrize(("head_tokens", "head"), [(None, 2), (0.5, 3), (4, 4), (1, 1)])
def test_head_and_tail_are_the_first_and_the_last_tokens(head_tokens: float | None, head: int):
    packed = preprocessor(long_texts="head_tail", head_tokens=head_tokens).pack(TEXTS)["token_ids"].to_list()
    for ids, row in zip(IDS, packed, strict=True):
        kept = ids if len(ids) <= 6 else ids[:head] + ids[-(6 - head) :]
        assert row == [CLS, *kept, SEP]


def test_of_512_tokens_128_are_the_head_and_382_the_tail():
    """Sun et al. 2019, arXiv:1905.05583, section 5.3.1."""
    rows = tf.RaggedTensor.from_tensor(tf.range(1000)[None])
    kept = LongTexts("head_tail").shortened(rows, tf.constant([510])).to_list()
    assert kept == [[*range(128), *range(1000 - 382, 1000)]]


def test_of_a_pair_the_longer_text_is_shortened_and_keeps_both_ends():
    packed = tiny.preprocessor(13, pad_to_multiple_of=1, long_texts="head_tail").pack(TEXTS, ["good bad"] * len(TEXTS))
    for ids, row in zip(IDS, packed["token_ids"].to_list(), strict=True):
        kept = ids if len(ids) <= 8 else ids[:2] + ids[-6:]
        assert row == [CLS, *kept, SEP, *ids_of("good bad"), SEP]


def by_hand(ids: list[int], size: int, stride: int, most: int) -> list[list[int]]:
    count = 1 + math.ceil(max(len(ids) - size, 0) / stride)
    return [ids[start : start + size] for start in range(0, count * stride, stride)][:most]


@pytest.mark.parametrize(("stride", "most"), [(None, None), (6, 3), (1, 100), (2, 1)])
def test_windows_are_slices_of_the_text(stride: int | None, most: int | None):
    preprocess = preprocessor(long_texts="windows", window_stride=stride, max_windows=most)
    inputs = {name: tensor.numpy() for name, tensor in preprocess(TEXTS).items()}
    left_out = preprocess.tokens_left_out(TEXTS).numpy()
    for ids, row, mask, missing in zip(IDS, inputs["token_ids"], inputs["padding_mask"], left_out, strict=True):
        windows = by_hand(ids, 6, stride or 5, most or 8)
        found = [window[: kept.sum()].tolist() for window, kept in zip(row, mask, strict=True) if kept.any()]
        assert found == [[CLS, *window, SEP] for window in windows]
        read = max((index * (stride or 5) + len(window) for index, window in enumerate(windows)), default=0)
        assert missing == len(ids) - read
    assert inputs["token_ids"].shape[1] == max(len(by_hand(ids, 6, stride or 5, most or 8)) for ids in IDS)


def test_windows_of_a_pair_each_have_the_first_text():
    preprocess = tiny.preprocessor(11, pad_to_multiple_of=1, long_texts="windows", window_stride=3)
    first, second = "good bad plain dull fine warm", TEXTS[-1]
    inputs = {name: tensor.numpy() for name, tensor in preprocess([first, "", "good"], [second, "", second]).items()}
    kept = ids_of(first)[:4]  # half of the room for both
    expected = [[CLS, *kept, SEP, *window, SEP] for window in by_hand(ids_of(second), 4, 3, 8)]
    rows = zip(inputs["token_ids"][0], inputs["padding_mask"][0], strict=True)
    assert [row[: mask.sum()].tolist() for row, mask in rows] == expected
    assert inputs["segment_ids"][0, 0].tolist() == [0] * 6 + [1] * 5
    assert inputs["padding_mask"][1].sum() == 3  # [CLS] [SEP] [SEP]
    left_out = preprocess.tokens_left_out([first, "", "good"], [second, "", second]).numpy().tolist()
    assert left_out[:2] == [len(ids_of(first)) - 4 + len(ids_of(second)) - 25, 0]


def test_one_text_has_the_windows_that_it_has_in_a_batch():
    preprocess = preprocessor(long_texts="windows")
    batch, alone = preprocess(TEXTS), preprocess(TEXTS[-1])
    for name, tensor in alone.items():
        np.testing.assert_array_equal(tensor, batch[name][-1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"long_texts": "middle"}, "one of cut, head_tail, windows"),
        ({"head_tokens": 3}, "head_tokens is for long_texts='head_tail'"),
        ({"long_texts": "head_tail", "max_windows": 3}, "max_windows is for long_texts='windows'"),
        ({"long_texts": "head_tail", "head_tokens": 2.5}, "a whole number, 1 or more or a share"),
        ({"long_texts": "head_tail", "head_tokens": 7}, "max_length=8 has room for 6"),
        ({"long_texts": "windows", "window_stride": 0}, "a whole number, 1 or more"),
        ({"long_texts": "windows", "truncation": "only_first"}, "leave it out"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value.split()[0],
)
def test_what_makes_no_sense_is_refused(options: dict, message: str):
    with pytest.raises(InputError, match=message):
        preprocessor(**options)
