"""An index is read as TensorFlow reads it, and one that would end the process is refused in one line."""

import time
from pathlib import Path

import pytest
import tensorflow as tf

from keras_bert.checkpoints.tensorflow_file import Variables
from keras_bert.checkpoints.tensorflow_index import read_index
from keras_bert.errors import InputError
from tests.checkpoints import tensorflow_table
from tests.checkpoints.tensorflow_table import entry, write_checkpoint


@pytest.mark.parametrize("count", [1, 300])
def test_what_tensorflow_wrote(tmp_path, count):
    """With 300 variables there are several blocks, and keys that share their beginnings."""
    values = {
        f"bert/layer_{index}/kernel": tf.fill([index % 3, 2], tf.constant(index, tf.float16)) for index in range(count)
    }
    values |= {"step": tf.constant(7, tf.int64), "text": tf.constant(["a", "bc"]), "flag": tf.constant(True)}
    names = sorted(values)
    prefix = tmp_path / "model.ckpt"
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[values[name] for name in names],
    )
    found = read_index(prefix)
    assert {name: (one.dtype, one.shape) for name, one in found.items()} == {
        name: (value.dtype, tuple(value.shape)) for name, value in values.items()
    }


def test_the_writer_of_these_tests_writes_what_tensorflow_reads(tmp_path):
    prefix = write_checkpoint(tmp_path / "model.ckpt", {"a": entry(crc32c=tensorflow_table.masked_crc(bytes(24)))})
    assert Variables(prefix).read("a").tolist() == [[0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (entry((-1, 3)), "has a shape that cannot be"),
        (entry((2**33, 2**33)), "has a shape that cannot be"),
        (entry((2**33, 2**33), size=2**60), "has a shape that cannot be"),
        (entry((2**62, 2), size=-(2**63)), "has a shape that cannot be"),
        (entry((2**62, 2**33), dtype=7, size=2), "has a shape that cannot be"),
        (entry((0, 2**62, 2**33), size=0), "has a shape that cannot be"),
        (entry((2**30,)), "truncated or damaged"),
        (entry(dtype=101), "unknown dtype 101"),
        (entry((1,) * 300, size=4), "300 dimensions"),
        (entry(dtype=0), "unknown dtype 0"),
        (entry(dtype=99), "unknown dtype 99"),
        (entry(dtype=2**30), "unknown dtype"),
        (entry(size=20), "24 bytes, and the index gives it 20"),
        (entry(offset=1), "from byte 1 of a data file of 24"),
        (entry(offset=-8), "truncated or damaged"),
        (entry(offset=2**62), "truncated or damaged"),
        (entry((2,), dtype=7, size=2**40), "truncated or damaged"),
        (entry(shard_id=1), "lies in data file 1 of 1"),
        (entry(shard_id=-1), "lies in data file -1 of 1"),
        (b"\xff\xff\xff", "its table is damaged"),
    ],
)
def test_entries_that_cannot_be(tmp_path, made, message):
    prefix = write_checkpoint(tmp_path / "model.ckpt", {"a": made})
    with pytest.raises(InputError, match=message) as error:
        Variables(prefix)
    assert str(error.value).startswith(f"{prefix}.index: ")


def test_slices_are_refused(tmp_path):
    tf.raw_ops.SaveV2(
        prefix=str(tmp_path / "model.ckpt"),
        tensor_names=["a"],
        shape_and_slices=["4 2 0,2:-"],
        tensors=[tf.ones((2, 2))],
    )
    with pytest.raises(InputError, match="'a' is stored in slices"):
        read_index(tmp_path / "model.ckpt")


@pytest.mark.parametrize("shards", [0, -1, 2**31 - 1])
def test_numbers_of_data_files_that_cannot_be(tmp_path, shards):
    prefix = write_checkpoint(tmp_path / "model.ckpt", {"a": entry()})
    made = tensorflow_table.table({b"": tensorflow_table.header(shards), b"a": entry()})
    Path(f"{prefix}.index").write_bytes(made)
    with pytest.raises(InputError, match=f"{shards} shards"):
        read_index(prefix)


@pytest.mark.parametrize("content", [b"", b"no table", bytes(48), tensorflow_table.table({b"a": entry()})])
def test_tables_that_are_none(tmp_path, content):
    (tmp_path / "model.ckpt.index").write_bytes(content)
    with pytest.raises(InputError, match=r"model\.ckpt\.index: not a readable TensorFlow checkpoint"):
        read_index(tmp_path / "model.ckpt")


def test_an_index_of_any_size_costs_nothing(tmp_path):
    with (tmp_path / "model.ckpt.index").open("wb") as file:
        file.truncate(2**40)
    began = time.perf_counter()
    with pytest.raises(InputError, match="has 1,099,511,627,776 bytes"):
        read_index(tmp_path / "model.ckpt")
    assert time.perf_counter() - began < 1
