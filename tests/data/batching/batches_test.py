"""The truth here is counting: each row once an epoch, rows of like length together, the same again for a seed."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.data import batches, padding_share
from keras_bert.errors import InputError
from tests.forked_process import run_forked


def make_rows(count=1000, seed=0):
    """Rows whose text is their number, repeated 1 to 60 times."""
    lengths = np.random.default_rng(seed).integers(1, 61, count)
    texts = [" ".join([str(number)] * length) for number, length in enumerate(lengths)]
    return tf.data.Dataset.from_tensor_slices({"text": texts, "label": np.arange(count, dtype=np.float32)})


def features(rows):
    token_ids = tf.strings.to_number(tf.strings.split(rows["text"]), tf.int32) + 1
    return {"token_ids": token_ids}, rows["label"]


def pad(inputs):
    token_ids = inputs["token_ids"]
    return {"token_ids": token_ids.to_tensor(), "padding_mask": tf.ones_like(token_ids).to_tensor()}


def epoch(dataset):
    """The row numbers of each batch, checked against their own tokens."""
    numbers = []
    for inputs, labels in dataset:
        labels = labels.numpy().astype(int)
        np.testing.assert_array_equal(inputs["token_ids"][:, 0].numpy() - 1, labels)
        lengths = inputs["padding_mask"].numpy().sum(axis=1)
        assert lengths.max() == inputs["token_ids"].shape[1]
        numbers.append(labels.tolist())
    return numbers


def flat(numbers):
    return [number for batch in numbers for number in batch]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("count", [1, 31, 32, 1000])
def test_every_row_once_and_the_length_is_known(count, shuffle):
    dataset = batches(make_rows(count), features, pad, 32, shuffle=shuffle, window=256)
    numbers = epoch(dataset)
    assert sorted(flat(numbers)) == list(range(count))
    assert len(numbers) == dataset.cardinality() == -(-count // 32)
    assert sum(len(batch) < 32 for batch in numbers) == (count % 32 > 0)


def test_shuffled_epochs_differ_and_repeat_under_the_seed():
    def two_epochs(seed):
        dataset = batches(make_rows(), features, pad, 32, shuffle=True, seed=seed, window=256)
        return epoch(dataset), epoch(dataset)

    first, second = two_epochs(seed=5)
    assert first != second
    assert {frozenset(batch) for batch in first}.isdisjoint({frozenset(batch) for batch in second})
    assert two_epochs(seed=5) == (first, second)
    assert two_epochs(seed=6)[0] != first


def test_batch_order_is_not_by_length_when_shuffled():
    widths = [inputs["token_ids"].shape[1] for inputs, _ in batches(make_rows(), features, pad, 32, shuffle=True)]
    assert widths != sorted(widths)


def test_like_lengths_share_a_batch():
    """1,000 rows of 1 to 60 tokens: in one window batches differ by about 2 tokens; unsorted half is padding."""
    sorted_share = padding_share(batches(make_rows(), features, pad, 32, shuffle=True))
    plain_share = padding_share(batches(make_rows(), features, pad, 32, keep_order=True))
    assert sorted_share < 0.05
    assert plain_share > 0.4


def within(lengths, tokens):
    """Batches of consecutive rows, each with the next row while rows times longest stays within the tokens."""
    batches_of, batch = [], []
    for length in lengths:
        if batch and (len(batch) + 1) * max([*batch, length]) > tokens:
            batches_of.append(batch)
            batch = []
        batch.append(length)
    return [*batches_of, batch]


@pytest.mark.parametrize("options", [{}, {"keep_order": True}])
def test_a_token_budget_is_filled_row_by_row(options):
    """Against a plain loop over the lengths; rows of more than 50 tokens are over the budget by themselves."""
    dataset = batches(make_rows(300), features, pad, 32, tokens_per_batch=50, **options)
    rows = [inputs["padding_mask"].numpy().sum(axis=1).tolist() for inputs, _ in dataset]
    lengths = [length for batch in rows for length in batch]
    assert rows == within(lengths, 50)
    assert options or lengths == sorted(lengths)
    assert max(len(batch) * max(batch) for batch in rows if len(batch) > 1) <= 50
    assert max(lengths) > 50
    assert sorted(flat(epoch(dataset))) == list(range(300))


def test_a_token_budget_loses_no_row_over_windows_and_repeats_under_the_seed():
    def two_epochs(seed):
        dataset = batches(make_rows(1000), features, pad, 32, tokens_per_batch=400, shuffle=True, seed=seed, window=256)
        assert dataset.cardinality() == tf.data.UNKNOWN_CARDINALITY
        return epoch(dataset), epoch(dataset)

    first, second = two_epochs(seed=5)
    assert sorted(flat(first)) == sorted(flat(second)) == list(range(1000))
    assert first != second
    assert two_epochs(seed=5) == (first, second)
    # The widths of batches are not in order, and there are as many rows as fit: about 400 / 60 of the longest.
    sizes = [len(batch) for batch in first]
    assert sizes != sorted(sizes)
    assert max(sizes) > 32
    assert padding_share(batches(make_rows(1000), features, pad, 32, tokens_per_batch=400)) < 0.06


def test_no_rows_and_endless_rows_under_a_token_budget():
    assert epoch(batches(make_rows(8).take(0), features, pad, 8, tokens_per_batch=50)) == []
    endless = batches(make_rows(8).repeat(), features, pad, 8, tokens_per_batch=50)
    assert endless.cardinality() == tf.data.INFINITE_CARDINALITY
    assert sum(len(labels) for _, labels in endless.take(5)) > 5


def test_padding_share_counts_by_hand():
    masks = [{"padding_mask": tf.constant([[1, 1, 1, 0], [1, 0, 0, 0]])}, {"padding_mask": tf.constant([[1, 1]])}]
    assert padding_share(masks) == pytest.approx(4 / 10)


def test_keep_order_is_the_order_of_the_rows():
    assert flat(epoch(batches(make_rows(100), features, pad, 8, keep_order=True, window=16))) == list(range(100))


def test_unshuffled_is_sorted_in_each_window_and_stable():
    dataset = batches(make_rows(), features, pad, 32, window=320)
    first = epoch(dataset)
    assert epoch(dataset) == first
    assert set(flat(first[:10])) == set(range(320))


def test_drop_remainder_leaves_out_other_rows_each_epoch():
    dataset = batches(make_rows(100), features, pad, 32, shuffle=True, drop_remainder=True)
    first, second = epoch(dataset), epoch(dataset)
    assert dataset.cardinality() == 3
    assert [len(batch) for batch in first] == [32, 32, 32]
    assert set(range(100)) - set(flat(first)) != set(range(100)) - set(flat(second))


def test_unknown_and_infinite_lengths():
    rows = make_rows(100).filter(lambda row: row["label"] < 50)
    dataset = batches(rows, features, pad, 8, shuffle=True)
    assert dataset.cardinality() == tf.data.UNKNOWN_CARDINALITY
    assert sorted(flat(epoch(dataset))) == list(range(50))
    endless = batches(make_rows(100).repeat(), features, pad, 8)
    assert endless.cardinality() == tf.data.INFINITE_CARDINALITY


def test_inputs_alone_ragged_labels_and_dicts_of_targets():
    texts = ["a b c", "a", "a b"]
    labels = tf.ragged.constant([["x", "y"], [], ["z"]], dtype=tf.string)
    rows = tf.data.Dataset.from_tensor_slices({"text": texts, "label": labels})

    def count_labels(rows):
        inputs = {"token_ids": tf.strings.length(tf.strings.split(rows["text"]))}
        return inputs, {"count": rows["label"].row_lengths()}, tf.ones(tf.shape(rows["text"]))

    ((_, targets, weights),) = batches(rows, count_labels, pad, 4)
    assert targets["count"].numpy().tolist() == [0, 1, 2]
    assert weights.shape == (3,)
    (inputs,) = batches(rows, lambda rows: count_labels(rows)[0], pad, 4)
    assert inputs["padding_mask"].numpy().tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]


def test_bad_arguments():
    for arguments in ({"batch_size": 0}, {"batch_size": 8, "window": 0}):
        with pytest.raises(InputError, match=r"expected (a whole number of )?1"):
            batches(make_rows(), features, pad, **arguments)
    for arguments in ({"tokens_per_batch": 0}, {"tokens_per_batch": 64, "drop_remainder": True}):
        with pytest.raises(InputError, match="expected 1 or more, and no drop_remainder"):
            batches(make_rows(), features, pad, 8, **arguments)
    with pytest.raises(InputError, match="exclude"):
        batches(make_rows(), features, pad, 8, shuffle=True, keep_order=True)


def test_two_replicas_share_each_batch_and_every_row_once():
    """Two logical CPUs in a process of its own: the strategy must see a batch of 32, not the window of 256 rows."""
    script = """
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from keras_bert.data import batches
from tests.data.batching.batches_test import features, make_rows, pad
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
dataset = batches(make_rows(1000), features, pad, 32, shuffle=True, window=256)
for _ in range(2):
    rows, steps = [], 0
    for inputs, labels in strategy.experimental_distribute_dataset(dataset):
        parts = [part.numpy().astype(int).tolist() for part in strategy.experimental_local_results(labels)]
        assert len(parts) == 2, parts
        assert max(map(len, parts)) <= 16, parts
        rows += sum(parts, [])
        steps += 1
    assert sorted(rows) == list(range(1000))
    print(steps)
"""
    done = run_forked(script)
    assert done.stdout.split() == ["32", "32"], done.stderr[-2000:]


@pytest.mark.parametrize(
    "options", [{"shuffle": True}, {"keep_order": True}, {"shuffle": True, "drop_remainder": True}]
)
@pytest.mark.parametrize("begin", [1, 7, 8, 9, 30, 31, 32, 40])
def test_from_one_on_the_batches_are_those_of_the_whole_epoch(begin, options):
    whole = epoch(batches(make_rows(), features, pad, 32, window=256, seed=3, **options))
    late = batches(make_rows(), features, pad, 32, window=256, seed=3, begin=begin, **options)
    assert epoch(late) == whole[begin:]
    assert late.cardinality() == max(len(whole) - begin, 0)


def test_rows_of_windows_before_the_first_batch_are_not_tokenized():
    seen = []

    def counted(rows):
        tf.py_function(lambda labels: seen.append(len(labels)), [rows["label"]], [])
        return features(rows)

    late = batches(make_rows(), counted, pad, 32, shuffle=True, window=256, begin=28)
    assert len(epoch(late)) == 4
    assert sum(seen) == 1000 - 3 * 256


@pytest.mark.parametrize("options", [{"begin": -1}, {"begin": 1, "tokens_per_batch": 100}])
def test_a_begin_that_is_none_is_refused(options):
    with pytest.raises(InputError, match="begin"):
        batches(make_rows(10), features, pad, 2, **options)
