"""The truth: the shares that independent draws have."""

import hashlib

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.data.batching.poisson_batches import PoissonBatches
from keras_bert.errors import InputError

LENGTHS = np.arange(200) % 7 + 1


def features(rows):
    ids = tf.ragged.range(rows["length"]) + tf.cast(rows["number"], tf.int32)[:, None]
    return {"token_ids": ids}, rows["number"]


def pad(inputs):
    return {"token_ids": inputs["token_ids"].to_tensor(-1)}


def drawn(batch_size: int, count: int = len(LENGTHS)) -> PoissonBatches:
    columns = {"length": LENGTHS[:count].astype("int32"), "number": np.arange(count, dtype="int32")}
    return PoissonBatches(tf.data.Dataset.from_tensor_slices(columns), features, pad, batch_size)


def seed(epoch: int):
    return lambda step: np.frombuffer(hashlib.sha256(f"{epoch} {step}".encode()).digest()[:16], "<i8")


def numbers(batches: tf.data.Dataset) -> list[list[int]]:
    return [batch[1].numpy().tolist() for batch in batches]


def test_each_row_is_in_each_batch_with_one_probability():
    batches = drawn(20)
    assert batches.steps == 10
    epochs = [numbers(batches.epoch(seed(epoch))) for epoch in range(12)]
    flat = [batch for epoch in epochs for batch in epoch]
    assert len(flat) == 120
    sizes = np.array([len(batch) for batch in flat])
    assert sizes.mean() == pytest.approx(20, abs=4 * np.sqrt(18 / 120))
    assert sizes.std() == pytest.approx(np.sqrt(200 * 0.1 * 0.9), rel=0.3)
    counts = np.bincount([number for batch in flat for number in batch], minlength=200)
    assert abs(counts - 12).max() < 5 * np.sqrt(120 * 0.1 * 0.9)
    assert all(len(set(batch)) == len(batch) for batch in flat)
    assert epochs[0] != epochs[1]


def test_the_rows_are_what_they_are_and_a_seed_draws_them_again():
    batches = drawn(20)
    for inputs, rows in batches.epoch(seed(3)):
        for ids, number in zip(inputs["token_ids"].numpy(), rows.numpy(), strict=True):
            own = ids[ids >= 0]
            assert own.tolist() == list(range(number, number + LENGTHS[number]))
    assert numbers(batches.epoch(seed(3))) == numbers(batches.epoch(seed(3)).skip(0))
    assert numbers(batches.epoch(seed(3)).skip(4)) == numbers(batches.epoch(seed(3)))[4:]


def test_a_batch_may_have_no_row():
    batches = drawn(1, count=40)
    shapes = [inputs["token_ids"].shape for inputs, _ in batches.epoch(seed(1))]
    empty = [shape for shape in shapes if not shape[0]]
    assert 5 <= len(empty) <= 25  # (39/40)⁴⁰ of 40 are 14.5
    assert all(shape[1] > 0 for shape in empty)


def test_the_seed_is_asked_when_a_batch_is_made():
    """A run that goes on finds out its key after its batches were counted."""
    asked = []
    batches = drawn(20).epoch(lambda step: asked.append(step) or np.array([1, step], "int64"))
    assert int(batches.cardinality()) == 10
    assert not asked


@pytest.mark.parametrize(("batch_size", "count"), [(0, 5), (6, 5)])
def test_more_rows_than_there_are(batch_size: int, count: int):
    with pytest.raises(InputError, match=f"batch_size {batch_size}: expected 1 to 5"):
        drawn(batch_size, count)


def test_no_rows():
    with pytest.raises(InputError, match="there are no rows"):
        drawn(1, 0)
