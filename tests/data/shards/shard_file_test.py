"""A shard is read as it was written, by the format's own library too; a damaged one is named."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from keras_bert.data.shards.shard_file import open_shard_file, write_shard_file
from keras_bert.errors import InputError

pytest.importorskip("apache_beam")
ARRAYS = {
    "0/token_ids": np.arange(300, dtype=np.uint16),
    "0/token_ids#0": np.array([100, 0, 200], np.uint8),
    "1": np.array([[0.5], [1.5], [-2.0]], np.float32),
    "2": np.array([True, False, True]),
}


def test_arrays_come_back(tmp_path):
    path = f"{tmp_path}/a[1] b.safetensors"
    size = write_shard_file(path, ARRAYS)
    for found in (open_shard_file(path), load_file(path)):
        assert found.keys() == ARRAYS.keys()
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == array.dtype
    assert size == (tmp_path / "a[1] b.safetensors").stat().st_size


@pytest.mark.parametrize(
    "damage",
    [lambda data: b"", lambda data: data[:5], lambda data: data[:-1], lambda data: b"\xff" * 40],
    ids=["empty", "head", "cut", "noise"],
)
def test_a_damaged_file_is_named(damage, tmp_path):
    path = tmp_path / "shard.safetensors"
    write_shard_file(str(path), ARRAYS)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=r"shard\.safetensors: "):
        open_shard_file(str(path))


def test_a_file_that_is_gone_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.safetensors: cannot be read"):
        open_shard_file(f"{tmp_path}/gone.safetensors")
