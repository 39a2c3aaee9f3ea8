"""Records in an order of their own for each seed, from any place on, and the batches that a pre-training task makes."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.data.pretraining import RecordStream, pretraining_records
from keras_bert.data.shards import epoch_order
from keras_bert.data.shards.manifest import describe_vocabulary
from tests.data.pretraining.records_test import TOKENIZER, examples, rows, write
from tests.tasks import tiny
from tests.tasks.pretraining.causal_lm_test import causal_lm


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five shards, of which two or three are a block."""
    monkeypatch.setattr(epoch_order, "BLOCK_ROWS", 10)
    monkeypatch.setattr(epoch_order.EpochOrder.__init__, "__defaults__", (10,))
    return write(tmp_path / "records", [examples(10 * shard, 4 + shard) for shard in range(5)])


def test_each_example_comes_once_in_an_order_of_the_seed(folder: Path):
    stream = RecordStream(folder, TOKENIZER)
    plain = [str(row) for row in rows(pretraining_records(folder, TOKENIZER))]
    assert stream.cardinality() == 30
    assert stream.element_spec == pretraining_records(folder, TOKENIZER).element_spec
    orders = [[str(row) for row in rows(stream.rows_from(0, seed))] for seed in (1, 2, 1)]
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(plain)
    assert orders[0] == orders[2] != orders[1]
    assert [str(row) for row in rows(stream.shuffled(1).rows_from(0, None))] == orders[0]


@pytest.mark.parametrize("begin", [1, 7, 13, 29, 30, 40])
def test_it_begins_anywhere(folder: Path, begin: int):
    stream = RecordStream(folder, TOKENIZER)
    whole = rows(stream.rows_from(0, 3))
    late = stream.rows_from(begin, 3)
    assert rows(late) == whole[begin:]
    assert late.cardinality() == max(30 - begin, 0)


def test_shards_before_the_first_example_are_not_read(folder: Path):
    stream = RecordStream(folder, TOKENIZER)
    whole = rows(stream.rows_from(0, 3))
    order = epoch_order.EpochOrder([4, 5, 6, 7, 8], 3)
    block, _ = order.block_at(20)
    assert block >= 1
    for shard in order.shards_of(0):
        (folder / f"examples-{shard}.tfrecord.gz").write_bytes(b"no records")
    assert rows(stream.rows_from(20, 3)) == whole[20:]


@pytest.mark.parametrize("packing", [False, True])
@pytest.mark.parametrize("begin", [1, 3, 8])
def test_batches_from_one_on_are_those_of_the_whole_epoch(tmp_path: Path, begin: int, packing: bool):
    task = causal_lm(packing)
    made = [
        {"token_ids": row["token_ids"].numpy(), "first_length": int(row["first_length"])}
        for row in tiny.pretraining_examples(24)
    ]
    folder = write(tmp_path / "records", [made[:11], made[11:]], objective="mlm")
    fields = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**fields, "vocabulary": describe_vocabulary(task.tokenizer)}))
    stream = RecordStream(folder, task.tokenizer)

    def numbers(batches):
        return [[np.asarray(each).tolist() for each in tf.nest.flatten(batch)] for batch in batches]

    whole = numbers(task.batches(stream, 3, shuffle=True, seed=5))
    assert len(whole) == 8
    assert numbers(task.batches(stream, 3, shuffle=True, seed=5, begin=begin)) == whole[begin:]
