"""Batches of examples: every example once, its segments and labels its own, masks that follow from the seed."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks.pretraining.batches import pretraining_batches
from keras_bert.text.masks.masking import TokenMasker
from tests.tasks import tiny

PREPROCESSOR = tiny.preprocessor(max_length=24, pad_to_multiple_of=4)
MASKER = TokenMasker(PREPROCESSOR.tokenizer)
NO_MASKS = TokenMasker(PREPROCESSOR.tokenizer, mask_share=0.0, random_share=0.0)


def make(examples=None, masker=MASKER, next_sentence=True, batch_size=5, preprocessor=PREPROCESSOR, **options):
    examples = tiny.pretraining_examples() if examples is None else examples
    return pretraining_batches(examples, preprocessor, masker, next_sentence, batch_size, **options)


def numbers(batches):
    return [tf.nest.map_structure(lambda tensor: tensor.numpy(), batch) for batch in batches]


def test_every_example_once_with_its_own_label_and_segments():
    rows = {
        tuple(example["token_ids"]): (int(example["first_length"]), int(example["next_sentence_label"]))
        for example in tiny.pretraining_examples().as_numpy_iterator()
    }
    batches = make(masker=NO_MASKS, shuffle=True)
    assert batches.cardinality() == 5
    for inputs, targets, weights in numbers(batches):
        assert inputs.keys() == {"token_ids", "segment_ids", "padding_mask", "mask_positions"}
        assert inputs["token_ids"].shape[1] % 4 == 0
        for row, mask in enumerate(inputs["padding_mask"]):
            length = mask.sum()
            first_length, label = rows.pop(tuple(inputs["token_ids"][row, :length]))
            assert inputs["segment_ids"][row].tolist() == [
                int(first_length <= place < length) for place in range(len(mask))
            ]
            assert targets["next_sentence"][row] == label
            real = weights["masked_lm"][row] == 1
            there = inputs["token_ids"][row, inputs["mask_positions"][row]]
            assert real.any()
            assert targets["masked_lm"][row][real].tolist() == there[real].tolist()
        assert weights["next_sentence"].tolist() == [1.0] * len(weights["next_sentence"])
    assert not rows


def test_the_seed_decides_and_epochs_differ_where_there_is_shuffling():
    def epochs(**options):
        batches = make(**options)
        return [np.concatenate([batch[0]["token_ids"].ravel() for batch in numbers(batches)]) for _ in range(2)]

    first, second = epochs(shuffle=True, seed=1)
    again = epochs(shuffle=True, seed=1)
    np.testing.assert_array_equal(first, again[0])
    np.testing.assert_array_equal(second, again[1])
    assert first.shape != second.shape or (first != second).any()
    other = epochs(shuffle=True, seed=2)[0]
    assert first.shape != other.shape or (first != other).any()
    held_out = epochs(seed=1)
    np.testing.assert_array_equal(*held_out)
    assert (held_out[0] != epochs(seed=2)[0]).any()  # other masks


def test_masks_made_already_are_kept():
    def examples():
        for count in (1, 3, 2):
            yield {
                "token_ids": [2, *[4] * count, 7, 3],
                "first_length": count + 3,
                "mask_positions": range(1, count + 1),
                "mask_labels": [8, 9, 10][:count],
            }

    spec = {name: tf.TensorSpec([None], tf.int64) for name in ("token_ids", "mask_positions", "mask_labels")}
    spec["first_length"] = tf.TensorSpec([], tf.int64)
    dataset = tf.data.Dataset.from_generator(examples, output_signature=spec)
    [(inputs, targets, weights)] = numbers(make(dataset, next_sentence=False))
    assert inputs["mask_positions"].tolist() == [[1, 0, 0], [1, 2, 0], [1, 2, 3]]
    assert targets["masked_lm"].tolist() == [[8, 0, 0], [8, 9, 0], [8, 9, 10]]
    assert weights["masked_lm"].tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert targets.keys() == weights.keys() == {"masked_lm"}


def test_rows_of_one_length_and_drop_remainder():
    ids = tf.fill([7, 9], 6)
    dataset = tf.data.Dataset.from_tensor_slices({"token_ids": ids, "first_length": tf.fill([7], 9)})
    batches = make(dataset, next_sentence=False, batch_size=3, drop_remainder=True)
    assert [batch[0]["token_ids"].shape for batch in numbers(batches)] == [(3, 12)] * 2


def test_refusals():
    with pytest.raises(InputError, match=r"no next_sentence_label.*next_sentence=False"):
        make(tiny.pretraining_examples().map(lambda row: {name: row[name] for name in ("token_ids", "first_length")}))
    with pytest.raises(InputError, match="no first_length"):
        make(tiny.pretraining_examples().map(lambda row: {"token_ids": row["token_ids"]}), next_sentence=False)
    with pytest.raises(tf.errors.InvalidArgumentError, match="max_length=8"):
        numbers(make(preprocessor=tiny.preprocessor(max_length=8)))
